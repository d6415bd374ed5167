//! Rows on their way to the store: gathered into batches, and written by a task of its own while the next ones are read.
//! Only a few batches are in memory at a time.

use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    error::{Error, Result},
    store::{
        bulk::{Batch, Bulk, Table},
        db::Arg,
    },
};

/// How large a batch becomes, in bytes.
const SIZE: usize = 1024 * 1024;
/// How many batches wait to be written.
const WAITING: usize = 3;

/// Takes rows, and writes them.
pub struct Loader {
    batches: Vec<Batch>,
    sender: mpsc::Sender<Batch>,
    writer: JoinHandle<sqlx::Result<Bulk>>,
}

impl Loader {
    /// Begins to write through this connection.
    pub fn begin(mut bulk: Bulk) -> Self {
        let (sender, mut waiting) = mpsc::channel(WAITING);
        let writer = tokio::spawn(async move {
            while let Some(batch) = waiting.recv().await {
                bulk.insert(batch).await?;
            }
            Ok(bulk)
        });
        Self { batches: Vec::new(), sender, writer }
    }

    /// Takes a row of a table, or of the temporary table with that prefix.
    ///
    /// # Errors
    /// When writing failed.
    pub async fn add<const N: usize>(
        &mut self,
        table: &'static Table,
        prefix: &'static str,
        row: [Arg; N],
    ) -> Result<()> {
        let is_meant = |batch: &Batch| batch.table.name == table.name && batch.prefix == prefix;
        let index = match self.batches.iter().position(is_meant) {
            Some(index) => index,
            None => {
                self.batches.push(Batch::new(table, prefix, SIZE + 1024));
                self.batches.len() - 1
            }
        };
        self.batches[index].push(row);
        if self.batches[index].size() > SIZE {
            let batch = self.batches.swap_remove(index);
            return self.send(batch).await;
        }
        Ok(())
    }

    /// Writes what is left, and gives the connection back.
    ///
    /// # Errors
    /// When writing failed.
    pub async fn finish(mut self) -> Result<Bulk> {
        for batch in std::mem::take(&mut self.batches) {
            if self.sender.send(batch).await.is_err() {
                break;
            }
        }
        let Self { sender, writer, .. } = self;
        drop(sender);
        Ok(writer.await.map_err(|_| Error::Internal("the task that writes has died"))??)
    }

    async fn send(&mut self, batch: Batch) -> Result<()> {
        if self.sender.send(batch).await.is_ok() {
            return Ok(());
        }
        // The task has ended before its time, and says why.
        match (&mut self.writer).await {
            Ok(Err(error)) => Err(error.into()),
            _ => Err(Error::Internal("the task that writes has died")),
        }
    }
}
