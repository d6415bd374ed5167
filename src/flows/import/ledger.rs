//! What the last import saw of one kind of row, in the order of the keys, beside what this one sees. A row is new, as it
//! was, changed, or gone: only that is applied, so whatever happened here meanwhile stays.
//!
//! An entry is a key and a fingerprint. Entries are kept in chunks, each key without what it shares with the one before.

use std::cmp::Ordering;

use crate::{
    error::{Error, Result},
    store::{self, db::Db},
};

/// How large a chunk grows, in bytes. One of each kind is in memory.
const CHUNK: usize = 64 * 1024;

/// What a row looked like: alike rows have alike fingerprints.
pub type Fingerprint = [u8; 8];

/// A row that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub key: Vec<u8>,
    pub fingerprint: Fingerprint,
}

/// How a row compares with the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    New,
    Same,
    /// It had this fingerprint.
    Changed(Fingerprint),
}

/// The ledger of one kind.
pub struct Ledger {
    pub kind: &'static str,
    old: Option<Old>,
    chunk: Chunk,
    /// The last key that was met.
    last: Vec<u8>,
    chunks: i64,
}

/// The last import's, as it is read.
struct Old {
    db: Db,
    generation: i64,
    position: i64,
    chunk: Reader,
    next: Option<Entry>,
}

impl Ledger {
    /// Opens the ledger of a kind, beside that of an earlier generation if there is one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(kind: &'static str, db: &Db, earlier: Option<i64>) -> Result<Self> {
        let mut old = earlier.map(|generation| Old {
            db: db.clone(),
            generation,
            position: 0,
            chunk: Reader::default(),
            next: None,
        });
        if let Some(old) = &mut old {
            old.advance(kind).await?;
        }
        Ok(Self { kind, old, chunk: Chunk::default(), last: Vec::new(), chunks: 0 })
    }

    /// Gives the next row that was there the last time and is not now: one whose key comes before this one, or any that is
    /// left when there is no key any more.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn gone_before(&mut self, key: Option<&[u8]>) -> Result<Option<Entry>> {
        let Some(old) = &mut self.old else { return Ok(None) };
        match (&old.next, key) {
            (Some(entry), Some(key)) if entry.key.as_slice() >= key => Ok(None),
            (Some(_), _) => old.advance(self.kind).await,
            (None, _) => Ok(None),
        }
    }

    /// Compares a row with what was there the last time, after all that went before it.
    ///
    /// # Errors
    /// When the store fails, or the rows do not come in the order of their keys.
    pub async fn meet(&mut self, key: &[u8], fingerprint: Fingerprint) -> Result<Met> {
        if self.last.as_slice() >= key && !self.last.is_empty() {
            return Err(Error::Internal("the rows of the source are not in order"));
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        let Some(old) = &mut self.old else { return Ok(Met::New) };
        match old.next.as_ref().map(|entry| entry.key.as_slice().cmp(key)) {
            Some(Ordering::Equal) => {
                let before = old.advance(self.kind).await?.map(|entry| entry.fingerprint);
                Ok(before.filter(|before| *before != fingerprint).map_or(Met::Same, Met::Changed))
            }
            _ => Ok(Met::New),
        }
    }

    /// Writes down a row for the next time; gives a full chunk and its position.
    pub fn note(&mut self, key: &[u8], fingerprint: Fingerprint) -> Option<(i64, Vec<u8>)> {
        self.chunk.push(key, fingerprint);
        if self.chunk.bytes.len() >= CHUNK { self.take() } else { None }
    }

    /// Gives what is left to be kept.
    pub fn take(&mut self) -> Option<(i64, Vec<u8>)> {
        let bytes = std::mem::take(&mut self.chunk).bytes;
        if bytes.is_empty() {
            return None;
        }
        self.chunks += 1;
        Some((self.chunks - 1, bytes))
    }
}

impl Old {
    /// Gives the entry that is next, and reads the one behind it.
    async fn advance(&mut self, kind: &str) -> Result<Option<Entry>> {
        if self.chunk.is_at_end() {
            let found = store::import::find_ledger(&self.db, self.generation, kind, self.position).await?;
            self.chunk = Reader { bytes: found.unwrap_or_default(), ..Reader::default() };
            self.position += 1;
        }
        let next = match self.chunk.is_at_end() {
            true => None,
            false => Some(self.chunk.read().ok_or(Error::Internal("the ledger of the last import cannot be read"))?),
        };
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// Entries on their way into the store.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    last: Vec<u8>,
}

impl Chunk {
    fn push(&mut self, key: &[u8], fingerprint: Fingerprint) {
        let most = usize::from(u8::MAX);
        let shared = self.last.iter().zip(key).take(most).take_while(|(a, b)| a == b).count();
        let own = &key[shared..];
        self.bytes.push(shared as u8);
        self.bytes.extend_from_slice(&(own.len() as u32).to_be_bytes());
        self.bytes.extend_from_slice(own);
        self.bytes.extend_from_slice(&fingerprint);
        self.last.truncate(shared);
        self.last.extend_from_slice(own);
    }
}

/// Entries out of the store.
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    at: usize,
    last: Vec<u8>,
}

impl Reader {
    fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn read(&mut self) -> Option<Entry> {
        let mut take = |length: usize| {
            let part = self.bytes.get(self.at..self.at.checked_add(length)?)?;
            self.at += length;
            Some(part)
        };
        let shared = usize::from(*take(1)?.first()?);
        let length = u32::from_be_bytes(take(4)?.try_into().ok()?);
        let own = take(length as usize)?;
        let fingerprint = take(8)?.try_into().ok()?;
        self.last.truncate(shared);
        self.last.extend_from_slice(own);
        Some(Entry { key: self.last.clone(), fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_read_back() {
        let long = [b'k'; 700];
        let keys: [&[u8]; 6] = [b"@a:hs\0ONE", b"@a:hs\0TWO", b"@ab:hs\0ONE", b"z", &long, b"zz"];
        let mut chunk = Chunk::default();
        for (index, key) in keys.iter().enumerate() {
            chunk.push(key, [index as u8; 8]);
        }
        assert!(chunk.bytes.len() < keys.iter().map(|key| key.len() + 13).sum::<usize>());
        let mut reader = Reader { bytes: chunk.bytes.clone(), ..Reader::default() };
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(reader.read(), Some(Entry { key: key.to_vec(), fingerprint: [index as u8; 8] }));
        }
        assert!(reader.is_at_end());
        let mut cut = Reader { bytes: chunk.bytes[..chunk.bytes.len() - 1].to_vec(), ..Reader::default() };
        assert_eq!(std::iter::from_fn(|| cut.read()).count(), keys.len() - 1);
    }

    /// Keeps a ledger in a store of its own, and gives what became of each row.
    async fn run(db: &Db, generation: i64, rows: &[(&str, u8)]) -> Vec<String> {
        let mut told = Vec::new();
        let mut ledger = Ledger::open("test", db, (generation > 1).then_some(generation - 1)).await.unwrap();
        let mut tx = db.write().await.unwrap();
        for (key, mark) in rows {
            let (key, fingerprint) = (key.as_bytes(), [*mark; 8]);
            while let Some(gone) = ledger.gone_before(Some(key)).await.unwrap() {
                told.push(format!("gone {}", String::from_utf8(gone.key).unwrap()));
            }
            match ledger.meet(key, fingerprint).await.unwrap() {
                Met::Same => {}
                Met::New => told.push(format!("new {}", String::from_utf8_lossy(key))),
                Met::Changed(from) => told.push(format!("changed {} {}", String::from_utf8_lossy(key), from[0])),
            }
            assert!(ledger.note(key, fingerprint).is_none());
        }
        while let Some(gone) = ledger.gone_before(None).await.unwrap() {
            told.push(format!("gone {}", String::from_utf8(gone.key).unwrap()));
        }
        if let Some((position, bytes)) = ledger.take() {
            let sql = "INSERT INTO import_ledger (generation, kind, position, entries) VALUES ($1, 'test', $2, $3)";
            tx.sql(sql).bind(generation).bind(position).bind(bytes).execute().await.unwrap();
        }
        tx.commit().await.unwrap();
        told
    }

    #[tokio::test]
    async fn only_what_is_new_changed_or_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}", folder.path().join("x.db").display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        assert_eq!(run(&db, 1, &[("b", 1), ("c", 1), ("d", 1)]).await, ["new b", "new c", "new d"]);
        assert_eq!(run(&db, 2, &[("b", 1), ("c", 1), ("d", 1)]).await, Vec::<String>::new());
        let told = run(&db, 3, &[("a", 1), ("c", 2), ("dd", 1)]).await;
        assert_eq!(told, ["new a", "gone b", "changed c 1", "gone d", "new dd"]);
        assert_eq!(run(&db, 4, &[]).await, ["gone a", "gone c", "gone dd"]);
        assert_eq!(run(&db, 5, &[("x", 1)]).await, ["new x"]);
    }

    #[tokio::test]
    async fn rows_that_are_not_in_order_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}", folder.path().join("x.db").display()), 2).await.unwrap();
        let mut ledger = Ledger::open("test", &db, None).await.unwrap();
        ledger.meet(b"b", [0; 8]).await.unwrap();
        assert!(ledger.meet(b"a", [0; 8]).await.is_err());
        assert!(ledger.meet(b"b", [0; 8]).await.is_err());
    }
}
