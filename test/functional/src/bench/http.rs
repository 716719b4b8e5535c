//! A connection that asks as fast as the daemon answers: requests are made beforehand, answers are looked at only as far
//! as it takes to find their end and to see that they are no errors.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rpc::{Json, Object};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_mins(2);

/// A kept-alive connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    head: String,
    body: Vec<u8>,
}

impl Connection {
    pub(super) fn open(port: u16, cookie: &str) -> Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let auth = base64(cookie.as_bytes());
        let head = format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {auth}\r\nContent-Length: ");
        Ok(Connection { stream: BufReader::new(stream), head, body: Vec::new() })
    }

    /// A request as bytes.
    pub(super) fn request(&self, body: &str) -> Vec<u8> {
        format!("{}{}\r\n\r\n{body}", self.head, body.len()).into_bytes()
    }

    /// Sends a request and reads the answer's body. Another status than success is an error.
    pub(super) fn exchange(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.send(request)?;
        self.receive()
    }

    /// Sends a request.
    pub(super) fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(request)?)
    }

    /// Reads the answer to the request that was sent first. Another status than success is an error.
    pub(super) fn receive(&mut self) -> Result<&[u8]> {
        let status = self.answer()?;
        ensure!(status == "200", "status {status}: {}", String::from_utf8_lossy(&self.body).trim_end());
        Ok(&self.body)
    }

    /// Calls a method; answers its result, or else its error.
    pub(super) fn outcome(&mut self, method: &str, params: &[Json]) -> Result<std::result::Result<Json, Json>> {
        let request = self.request(&body(method, params));
        self.send(&request)?;
        self.answer()?;
        let answer = rpc::json::parse(&self.body).context("the answer is not JSON")?;
        Ok(if answer.get("error").is_null() {
            Ok(answer.get("result").clone())
        } else {
            Err(answer.get("error").clone())
        })
    }

    /// Calls many methods in one request. A daemon that takes long to turn round is not measured then.
    pub(super) fn batch(&mut self, calls: &[(&str, Vec<Json>)]) -> Result<Vec<std::result::Result<Json, Json>>> {
        let bodies: Vec<String> = calls.iter().map(|(method, params)| body(method, params)).collect();
        let request = self.request(&format!("[{}]", bodies.join(",")));
        let answers = rpc::json::parse(self.exchange(&request)?).context("the answer is not JSON")?;
        let answers = answers.as_arr()?;
        ensure!(answers.len() == calls.len(), "{} of {} calls were answered", answers.len(), calls.len());
        let outcome = |answer: &Json| match answer.get("error") {
            Json::Null => Ok(answer.get("result").clone()),
            error => Err(error.clone()),
        };
        Ok(answers.iter().map(outcome).collect())
    }

    /// Reads an answer: its body is kept, its status is what comes back.
    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        loop {
            line.clear();
            ensure!(self.stream.read_line(&mut line)? > 0, "the connection was closed");
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(status)
    }

    /// Calls a method.
    pub(super) fn call(&mut self, method: &str, params: &[Json]) -> Result<Json> {
        match self.outcome(method, params)? {
            Ok(result) => Ok(result),
            Err(error) => bail!("{method}: {}", error.write()),
        }
    }
}

/// The body of a request.
pub(super) fn body(method: &str, params: &[Json]) -> String {
    Json::from(Object::new().with("id", 0).with("method", method).with("params", Json::Arr(params.to_vec()))).write()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from(number >> (18 - 6 * place) & 63).expect("six bits");
            out.push(if place <= chunk.len() { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_written_in_base64() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("user:pass", "dXNlcjpwYXNz")] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
    }
}
