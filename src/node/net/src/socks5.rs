//! SOCKS5: asking a proxy for a connection to a name. The proxy looks the name up, so nothing leaks from here.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const VERSION: u8 = 5;
const NO_AUTH: u8 = 0;
const PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// What a proxy is told about us. A new one for each connection keeps Tor from mixing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The user.
    pub(crate) user: String,
    /// The password.
    pub(crate) password: String,
}

/// Why a proxy gives no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocksError {
    /// The name has more than 255 bytes.
    #[error("Hostname too long")]
    NameTooLong,
    /// The connection to the proxy broke.
    #[error("Error reading proxy response: {0}")]
    Io(#[from] std::io::Error),
    /// What answers is no such proxy.
    #[error("Proxy failed to initialize")]
    NoProxy,
    /// It wants another way to know us.
    #[error("Proxy requested wrong authentication method {0:02x}")]
    Method(u8),
    /// It does not believe us.
    #[error("Proxy authentication unsuccessful")]
    Refused,
    /// It could not connect.
    #[error("{0}")]
    Failed(Reply),
    /// Its answer makes no sense.
    #[error("Proxy failed to accept request")]
    BadReply,
}

impl SocksError {
    /// Whether it is the proxy that fails, rather than the way behind it.
    pub(crate) fn is_proxys(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }
}

/// What a proxy says when it cannot connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply(pub(crate) u8);

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            1 => "general failure",
            2 => "connection not allowed",
            3 => "network unreachable",
            4 => "host unreachable",
            5 => "connection refused",
            6 => "TTL expired",
            7 => "protocol error",
            8 => "address type not supported",
            0xf0 => "onion service descriptor can not be found",
            0xf1 => "onion service descriptor is invalid",
            0xf2 => "onion service introduction failed",
            0xf3 => "onion service rendezvous failed",
            0xf4 => "onion service missing client authorization",
            0xf5 => "onion service wrong client authorization",
            0xf6 => "onion service invalid address",
            0xf7 => "onion service introduction timed out",
            _ => "unknown",
        })
    }
}

/// Asks the proxy at the other end of `stream` to connect to a host. Afterwards the stream leads there.
pub(crate) async fn connect(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    host: &str,
    port: u16,
    credentials: Option<&Credentials>,
) -> Result<(), SocksError> {
    let len = u8::try_from(host.len()).map_err(|_| SocksError::NameTooLong)?;
    let methods: &[u8] = if credentials.is_some() { &[VERSION, 2, NO_AUTH, PASSWORD] } else { &[VERSION, 1, NO_AUTH] };
    stream.write_all(methods).await?;
    let [version, method] = read(stream).await?;
    if version != VERSION {
        return Err(SocksError::NoProxy);
    }
    match (method, credentials) {
        (NO_AUTH, _) => {}
        (PASSWORD, Some(credentials)) => authenticate(stream, credentials).await?,
        (NO_METHOD, _) => return Err(SocksError::Refused),
        (other, _) => return Err(SocksError::Method(other)),
    }
    // A connection, to a name. Addresses go as names too.
    let mut request = vec![VERSION, 1, 0, 3, len];
    request.extend_from_slice(host.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    let [version, reply, reserved, kind] = read(stream).await?;
    if version != VERSION {
        return Err(SocksError::BadReply);
    }
    if reply != 0 {
        return Err(SocksError::Failed(Reply(reply)));
    }
    if reserved != 0 {
        return Err(SocksError::BadReply);
    }
    // Where it is bound is of no use, but has to be read.
    let skip = match kind {
        1 => 4,
        4 => 16,
        3 => {
            let [len] = read(stream).await?;
            usize::from(len)
        }
        _ => return Err(SocksError::BadReply),
    };
    let mut bound = vec![0; skip + 2];
    stream.read_exact(&mut bound).await?;
    Ok(())
}

async fn authenticate(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    credentials: &Credentials,
) -> Result<(), SocksError> {
    let mut request = vec![1];
    for text in [&credentials.user, &credentials.password] {
        request.push(u8::try_from(text.len()).map_err(|_| SocksError::NameTooLong)?);
        request.extend_from_slice(text.as_bytes());
    }
    stream.write_all(&request).await?;
    match read(stream).await? {
        [1, 0] => Ok(()),
        _ => Err(SocksError::Refused),
    }
}

async fn read<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> Result<[u8; N], SocksError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Plays the proxy: expects and answers, step by step.
    async fn play(script: &[(&[u8], &[u8])], credentials: Option<Credentials>) -> Result<(), SocksError> {
        let (mut near, mut far) = tokio::io::duplex(4096);
        let proxy = async {
            for (expected, answer) in script {
                let mut seen = vec![0; expected.len()];
                far.read_exact(&mut seen).await.unwrap();
                assert_eq!(seen, *expected);
                far.write_all(answer).await.unwrap();
            }
            drop(far);
        };
        let client = connect(&mut near, "a.onion", 0x1234, credentials.as_ref());
        let (result, ()) = tokio::join!(client, proxy);
        result
    }

    const REQUEST: &[u8] = b"\x05\x01\x00\x03\x07a.onion\x12\x34";

    #[test]
    fn without_and_with_a_password() {
        let answer = b"\x05\x00\x00\x01\0\0\0\0\0\0";
        run(play(&[(b"\x05\x01\x00", b"\x05\x00"), (REQUEST, answer)], None)).unwrap();
        let me = Credentials { user: "u1".into(), password: "p".into() };
        let script: [(&[u8], &[u8]); 3] = [
            (b"\x05\x02\x00\x02", b"\x05\x02"),
            (b"\x01\x02u1\x01p", b"\x01\x00"),
            (REQUEST, b"\x05\x00\x00\x03\x02ab\0\0"),
        ];
        run(play(&script, Some(me))).unwrap();
    }

    #[test]
    fn what_proxies_refuse() {
        let error = |script: &[(&[u8], &[u8])]| run(play(script, None)).unwrap_err();
        assert!(error(&[(b"\x05\x01\x00", b"HT")]).is_proxys());
        assert!(matches!(error(&[(b"\x05\x01\x00", b"\x05\x02")]), SocksError::Method(2)));
        let refused = error(&[(b"\x05\x01\x00", b"\x05\x00"), (REQUEST, b"\x05\x05\x00\x01")]);
        assert_eq!(refused.to_string(), "connection refused");
        assert!(!refused.is_proxys());
        assert!(matches!(error(&[(b"\x05\x01\x00", b"\x05")]), SocksError::Io(_)), "it hangs up");
    }
}
