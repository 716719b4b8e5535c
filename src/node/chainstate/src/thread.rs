//! The validation thread: it owns the engine, and everybody else sends it work.

use std::{
    sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    thread::JoinHandle,
};

use crate::{Engine, Fatal, Reader};

/// Work for the engine.
enum Task {
    Work(Box<dyn FnOnce(&mut Engine) + Send>),
    /// The last one: whatever is sent behind it is answered with [`Stopped`].
    Stop,
}

/// Tasks that may wait; whoever sends more waits with them.
const QUEUE: usize = 64;

/// The validation thread is gone: the program is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Shutting down")]
pub struct Stopped;

/// A way to the engine, for any thread.
#[derive(Clone, Debug)]
pub struct ChainHandle {
    tasks: SyncSender<Task>,
    reader: Reader,
}

/// The running thread.
#[derive(Debug)]
pub struct ValidationThread {
    join: JoinHandle<Engine>,
}

impl ChainHandle {
    /// Runs `work` on the validation thread and waits for its answer.
    pub fn call<T: Send + 'static>(&self, work: impl FnOnce(&mut Engine) -> T + Send + 'static) -> Result<T, Stopped> {
        let (answer, result) = sync_channel(1);
        self.post(move |engine| {
            // Whoever asked may have given up; the work is done all the same.
            let _ = answer.send(work(engine));
        })?;
        result.recv().map_err(|_| Stopped)
    }

    /// Runs `work` on the validation thread, some time.
    pub fn post(&self, work: impl FnOnce(&mut Engine) + Send + 'static) -> Result<(), Stopped> {
        self.tasks.send(Task::Work(Box::new(work))).map_err(|_| Stopped)
    }

    /// Ends the thread once it has done what was sent before, whoever still holds a handle.
    pub fn stop(&self) {
        // That it is gone already is as good.
        let _ = self.tasks.send(Task::Stop);
    }

    /// The view that needs no waiting.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }
}

/// Starts the thread. It ends when the last handle is dropped, or one of them says [`ChainHandle::stop`]. `failed` is told of
/// what went wrong while nobody waited.
pub fn spawn(
    engine: Engine,
    failed: impl Fn(Fatal) + Send + 'static,
) -> std::io::Result<(ChainHandle, ValidationThread)> {
    let (tasks, queue) = sync_channel::<Task>(QUEUE);
    let reader = engine.reader();
    let join = std::thread::Builder::new().name("validation".to_owned()).spawn(move || run(engine, &queue, failed))?;
    Ok((ChainHandle { tasks, reader }, ValidationThread { join }))
}

fn run(mut engine: Engine, queue: &Receiver<Task>, failed: impl Fn(Fatal)) -> Engine {
    loop {
        // What somebody waits for comes before what nobody does.
        let next = if engine.has_work_behind() {
            queue.try_recv()
        } else {
            queue.recv().map_err(|_| TryRecvError::Disconnected)
        };
        match next {
            Ok(Task::Work(work)) => work(&mut engine),
            Err(TryRecvError::Empty) => {
                if let Err(e) = engine.work_behind() {
                    failed(e);
                }
            }
            Ok(Task::Stop) | Err(TryRecvError::Disconnected) => return engine,
        }
    }
}

impl ValidationThread {
    /// Waits for the thread and takes the engine back. Every handle must have been dropped, or one said stop.
    pub fn join(self) -> std::thread::Result<Engine> {
        self.join.join()
    }
}
