//! The contract of the node that a GUI holds, in one process; over a socket it is checked with the chain's.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fakes::contract;
use interfaces::{BlockRef, Call, Node, NodeNotifications};

use crate::WalletSource;
use crate::testing::RunningNode;

const LONG: Duration = Duration::from_mins(1);

struct Screen(Mutex<Sender<String>>);

impl Screen {
    #[expect(clippy::unnecessary_wraps, reason = "the tail of every method here")]
    fn write(&self, line: String) -> Call<()> {
        drop(self.0.lock().unwrap().send(line));
        Ok(())
    }
}

impl NodeNotifications for Screen {
    fn init_message(&self, message: &str) -> Call<()> {
        self.write(message.to_owned())
    }

    fn show_progress(&self, title: &str, progress: i32) -> Call<()> {
        self.write(format!("{title} {progress}"))
    }

    fn message_box(&self, message: &str, style: &str) -> Call<()> {
        self.write(format!("{style}: {message}"))
    }

    fn block_tip(&self, tip: BlockRef, _time: i64, _progress: f64) -> Call<()> {
        self.write(format!("tip {}", tip.height))
    }

    fn header_tip(&self, _tip: BlockRef, _time: i64) -> Call<()> {
        Ok(())
    }

    fn network_changed(&self, _connections: u32, active: bool) -> Call<()> {
        self.write(format!("network {active}"))
    }

    fn alerts_changed(&self, warnings: &str) -> Call<()> {
        self.write(warnings.to_owned())
    }
}

#[test]
fn a_gui_sees_what_happens() {
    let node = RunningNode::start(&[], WalletSource::None);
    let gui = node.gui();
    contract::check_node(&gui);
    let (screen, lines) = channel();
    let handler = gui.handle_notifications(Arc::new(Screen(Mutex::new(screen)))).unwrap();
    node.mine(2);
    node.context().ui.show_progress("Rescanning…", 7);
    node.ask("syncwithvalidationinterfacequeue", "[]").unwrap();
    let mut seen: Vec<String> = (0..3).map(|_| lines.recv_timeout(LONG).unwrap()).collect();
    seen.sort();
    assert_eq!(seen, ["Rescanning… 7", "tip 1", "tip 2"]);
    handler.disconnect().unwrap();
    node.context().ui.show_progress("Rescanning…", 8);
    assert_eq!(lines.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    let status = gui.status().unwrap();
    assert_eq!((status.tip.height, status.header_height, status.mempool_count), (2, 2, 0));
    let answer = gui.execute_rpc(&interfaces::Json::new(r#"{"method":"getblockcount","id":1}"#), "/").unwrap().unwrap();
    assert_eq!(answer.as_str(), r#"{"result":2,"error":null,"id":1}"#);
    gui.start_shutdown().unwrap();
    assert!(node.context().shutdown.is_requested());
}
