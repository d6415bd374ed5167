//! Owns the smallest HTTP/1.1 client that can load a server on the same two cores: one kept connection, prepared requests, bodies by
//! `Content-Length`. Anything that a server of ours does not send is an error here.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One answer; `head` keeps the status line and the header lines as they came.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Returns the values of a header, in order.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.lines().filter_map(move |line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A kept-alive connection.
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects to a server on this machine.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(4096) })
    }

    /// Writes out a request; `headers` are whole lines that end in CRLF.
    pub fn prepare(&self, method: &str, target: &str, headers: &str, body: &str) -> Vec<u8> {
        let (address, length) = (self.address, body.len());
        format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
            .into_bytes()
    }

    /// Sends a prepared request and reads the whole answer.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer, Error> {
        self.stream.write_all(request).await?;
        let invalid = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).into_owned();
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| invalid("no status line"))?;
        let mut answer = Answer { status, head, body: String::new() };
        let length: usize = match answer.headers("content-length").next() {
            Some(length) => length.parse().map_err(|_| invalid("Content-Length"))?,
            None if status == 204 || status == 304 => 0,
            None => return Err(invalid("an answer without a Content-Length")),
        };
        let end = head_end + 4 + length;
        while self.buffer.len() < end {
            self.read_more().await?;
        }
        answer.body = String::from_utf8_lossy(&self.buffer[head_end + 4..end]).into_owned();
        self.buffer.drain(..end);
        Ok(answer)
    }

    async fn read_more(&mut self) -> Result<(), Error> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
