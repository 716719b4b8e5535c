//! HTTP/1.1 for a client that sends one request at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use thiserror::Error;

/// A head that is longer is not read on.
const MAX_HEAD: u64 = 64 * 1024;
/// A body that is longer is not read on. A verbose mempool is a few hundred megabytes at most.
const MAX_BODY: u64 = 4 * 1024 * 1024 * 1024;

/// Why there is no HTTP response. The texts are those of `bitcoin-cli`.
#[derive(Debug, Error)]
pub enum WireError {
    /// No address.
    #[error("Could not resolve host: {0}")]
    Resolve(String),
    /// No listener.
    #[error("Could not connect to the server")]
    Connect(#[source] io::Error),
    /// The connection ended while the request was written.
    #[error("Failed to send HTTP request")]
    Send(#[source] io::Error),
    /// Nothing came for too long.
    #[error("timeout")]
    Timeout,
    /// The connection ended before the first byte of the answer.
    #[error("EOF")]
    ClosedBeforeAnswer,
    /// The connection ended inside the answer.
    #[error("Read error: {0}")]
    Read(io::Error),
    /// The answer is no HTTP.
    #[error("HTTP error: {0}")]
    Malformed(&'static str),
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Timeout,
            _ => Self::Read(error),
        }
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// Whether the connection can be used again.
    pub keep_alive: bool,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// Connects to the first address of `host` that answers.
    pub fn open(host: &str, port: u16, timeout: Option<Duration>) -> Result<Self, WireError> {
        let addresses = (host, port).to_socket_addrs().map_err(|_| WireError::Resolve(host.to_owned()))?;
        let mut failure = io::ErrorKind::NotFound.into();
        for address in addresses {
            let connected = match timeout {
                Some(timeout) => TcpStream::connect_timeout(&address, timeout),
                None => TcpStream::connect(address),
            };
            match connected {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(timeout)?;
                    stream.set_write_timeout(timeout)?;
                    return Ok(Self { stream: BufReader::new(stream), host: host.to_owned() });
                }
                Err(error) => failure = error,
            }
        }
        Err(WireError::Connect(failure))
    }

    /// Sends a `POST` and reads the answer.
    pub fn post(&mut self, endpoint: &str, headers: &[(&str, String)], body: &[u8]) -> Result<HttpResponse, WireError> {
        let mut request = format!("POST {endpoint} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            request.extend([name, ": ", value, "\r\n"]);
        }
        request.extend(["Content-Length: ", &body.len().to_string(), "\r\n\r\n"]);
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        let sent = self.stream.get_mut().write_all(&request);
        // A server that refuses a request may answer and close before it has read it all, so look for an answer first.
        match (self.read_response(), sent) {
            (Err(WireError::ClosedBeforeAnswer | WireError::Read(_)), Err(error)) => Err(match error.kind() {
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => WireError::ClosedBeforeAnswer,
                _ => WireError::Send(error),
            }),
            (outcome, _) => outcome,
        }
    }

    fn read_response(&mut self) -> Result<HttpResponse, WireError> {
        match self.stream.fill_buf() {
            Ok([]) => return Err(WireError::ClosedBeforeAnswer),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(WireError::ClosedBeforeAnswer),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        loop {
            let response = read_response(&mut self.stream)?;
            // 1xx answers only announce the real one.
            if response.status >= 200 {
                return Ok(response);
            }
        }
    }
}

fn read_line(stream: &mut impl BufRead, left: &mut u64) -> Result<String, WireError> {
    let mut line = Vec::new();
    let length = stream.take(*left).read_until(b'\n', &mut line)?;
    *left -= u64::try_from(length).unwrap_or(*left).min(*left);
    if line.pop() != Some(b'\n') {
        return Err(WireError::Malformed(if *left == 0 { "Header too long" } else { "Incomplete header" }));
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| WireError::Malformed("Header contains invalid character"))
}

/// Reads one response from `stream`. Whatever the other side sends, what is kept is at most what it sent.
pub(crate) fn read_response(stream: &mut impl BufRead) -> Result<HttpResponse, WireError> {
    let mut left = MAX_HEAD;
    let status_line = read_line(stream, &mut left)?;
    let mut words = status_line.splitn(3, ' ');
    let version = words.next().filter(|version| version.starts_with("HTTP/"));
    let version = version.ok_or(WireError::Malformed("Invalid status line"))?;
    let status = words.next().filter(|status| status.len() == 3).and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or(WireError::Malformed("Invalid status code"))?;
    let mut keep_alive = version == "HTTP/1.1";
    let (mut length, mut chunked) = (None, false);
    loop {
        let line = read_line(stream, &mut left)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(WireError::Malformed("Header missing colon (:)"))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "" => return Err(WireError::Malformed("Empty header name")),
            "content-length" => {
                let parsed = value.parse::<u64>().ok().filter(|_| !value.starts_with('+'));
                length = Some(parsed.ok_or(WireError::Malformed("Invalid Content-Length"))?);
            }
            "transfer-encoding" => chunked = value.to_ascii_lowercase().contains("chunked"),
            "connection" if value.eq_ignore_ascii_case("close") => keep_alive = false,
            "connection" if value.eq_ignore_ascii_case("keep-alive") => keep_alive = true,
            _ => {}
        }
    }
    let mut body = Vec::new();
    match (chunked, length) {
        _ if status < 200 || status == 204 => {}
        (true, _) => read_chunks(stream, &mut left, &mut body)?,
        (false, Some(length)) => read_exactly(stream, length, &mut body)?,
        (false, None) => {
            keep_alive = false;
            stream.take(MAX_BODY).read_to_end(&mut body)?;
        }
    }
    Ok(HttpResponse { status, body, keep_alive })
}

/// Grows the buffer as bytes come, not as they are announced.
fn read_exactly(stream: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> Result<(), WireError> {
    if length > MAX_BODY {
        return Err(WireError::Malformed("Body too large"));
    }
    let read = stream.take(length).read_to_end(body)?;
    if u64::try_from(read).is_ok_and(|read| read == length) {
        Ok(())
    } else {
        Err(WireError::Read(io::ErrorKind::UnexpectedEof.into()))
    }
}

fn read_chunks(stream: &mut impl BufRead, left: &mut u64, body: &mut Vec<u8>) -> Result<(), WireError> {
    let mut total: u64 = 0;
    loop {
        // The lines around chunks have no share in the limit of the head, but a line has one.
        *left = MAX_HEAD;
        let line = read_line(stream, left)?;
        let size = line.split(';').next().unwrap_or("").trim();
        let size = u64::from_str_radix(size, 16).ok().filter(|_| !size.starts_with('+'));
        let size = size.ok_or(WireError::Malformed("Invalid chunk size"))?;
        total =
            total.checked_add(size).filter(|total| *total <= MAX_BODY).ok_or(WireError::Malformed("Body too large"))?;
        if size == 0 {
            while !read_line(stream, left)?.is_empty() {}
            return Ok(());
        }
        read_exactly(stream, size, body)?;
        if !read_line(stream, left)?.is_empty() {
            return Err(WireError::Malformed("Improperly terminated chunk"));
        }
    }
}
