//! Caches that machines share: the same scenes with a folder and with a server that speaks S3.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::super::shared::entry::Entry;
use super::super::shared::remote::Remote;
use super::*;

/// Something that opens a store in a folder of that name: one machine's view of it.
type Opens<'a> = dyn Fn(&str, Option<&Path>) -> Remote + Sync + 'a;

/// The scene with a cache of its own, as another machine would have it.
fn machine(scene: &Scene, name: &str, store: Remote) -> Wish {
    Wish { cache: scene.at(name), store: Some(Arc::new(store)), ..scene.wish() }
}

/// Where each package came from.
fn fill(scene: &Scene, wish: &Wish) -> Result<Vec<String>> {
    let packages = plan::packages(&scene.project(), wish)?;
    Ok(fill_cache(&scene.project(), wish, &packages)?.into_iter().map(|row| row[3].clone()).collect())
}

/// The name of the one package in stores.
fn package(scene: &Scene) -> String {
    plan::packages(&scene.project(), &scene.wish()).unwrap()[0].full_name()
}

fn keys(scene: &Scene) -> (PathBuf, PathBuf) {
    let secret = scene.at("key");
    new_key(&secret).unwrap();
    (secret, scene.at("key.pub"))
}

fn what_one_machine_built_another_takes(opens: &Opens<'_>) {
    let scene = Scene::new();
    let one = machine(&scene, "one", opens("plain", None));
    assert_eq!(fill(&scene, &one).unwrap(), ["built"]);
    let other = machine(&scene, "other", opens("plain", None));
    assert_eq!(fill(&scene, &other).unwrap(), ["shared cache"]);
    assert_eq!(fill(&scene, &other).unwrap(), ["cache"]);
    let archive = |wish: &Wish| plan::packages(&scene.project(), wish).unwrap()[0].archive(&wish.cache);
    assert_eq!(fs::read(archive(&one)).unwrap(), fs::read(archive(&other)).unwrap());
    let packages = plan::packages(&scene.project(), &other).unwrap();
    assert!(prefix::install(&scene.project(), &other, &packages).unwrap().join("lib/libtiny.a").is_file());
}

fn what_was_altered_is_refused_by_name(opens: &Opens<'_>) {
    let scene = Scene::new();
    fill(&scene, &machine(&scene, "one", opens("altered", None))).unwrap();
    let (store, package) = (opens("altered", None), package(&scene));
    let entry = Entry::read(&package, &store.read("id", &package).unwrap()).unwrap();
    let good = store.read("blob", &entry.sha256).unwrap();
    let refused = |what: &str| {
        let victim = machine(&scene, what, opens("altered", None));
        let error = format!("{:#}", fill(&scene, &victim).unwrap_err());
        assert!(error.contains(&package) && error.contains("refused"), "{what}: {error}");
        assert!(!victim.cache.join("built").exists(), "{what}: something was installed");
    };
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    store.overwrite("blob", &entry.sha256, bad);
    refused("flipped");
    store.overwrite("blob", &entry.sha256, good[..good.len() / 2].to_vec());
    refused("short");
    store.overwrite("blob", &entry.sha256, good.clone());
    let lie = Entry { package: "other-1.0-00".to_owned(), ..entry.clone() };
    store.overwrite("id", &package, lie.text().into_bytes());
    refused("another");
    store.overwrite("id", &package, b"nonsense".to_vec());
    refused("nonsense");
    store.overwrite("id", &package, entry.text().into_bytes());
    assert_eq!(fill(&scene, &machine(&scene, "healed", opens("altered", None))).unwrap(), ["shared cache"]);
}

fn with_a_key_only_what_is_signed_is_taken(opens: &Opens<'_>) {
    let scene = Scene::new();
    let (secret, public) = keys(&scene);
    fill(&scene, &machine(&scene, "unsigned", opens("signed", None))).unwrap();
    let reader = |name: &str| machine(&scene, name, opens("signed", Some(&public)));
    let error = format!("{:#}", fill(&scene, &reader("first")).unwrap_err());
    assert!(error.contains("no signature") && error.contains(&package(&scene)), "{error}");
    scene.write_recipe("-DVERSION=9");
    // The public half neither signs nor offers.
    assert_eq!(fill(&scene, &reader("second")).unwrap(), ["built"]);
    assert_eq!(opens("signed", None).read("id", &package(&scene)), None);
    assert_eq!(fill(&scene, &machine(&scene, "third", opens("signed", Some(&secret)))).unwrap(), ["built"]);
    assert_eq!(fill(&scene, &reader("fourth")).unwrap(), ["shared cache"]);
}

fn many_machines_at_once_leave_one_whole_archive(opens: &Opens<'_>) {
    let scene = Scene::new();
    thread::scope(|scope| {
        let names: Vec<String> = (0..4).map(|number| format!("machine{number}")).collect();
        let builders: Vec<_> = names
            .into_iter()
            .map(|name| {
                let (scene, opens) = (&scene, &opens);
                scope.spawn(move || fill(scene, &machine(scene, &name, opens("many", None))).unwrap())
            })
            .collect();
        for builder in builders {
            let from = builder.join().unwrap();
            assert!(["built", "shared cache"].contains(&from[0].as_str()), "{from:?}");
        }
    });
    assert_eq!(fill(&scene, &machine(&scene, "late", opens("many", None))).unwrap(), ["shared cache"]);
}

fn every_scene(opens: &Opens<'_>) {
    what_one_machine_built_another_takes(opens);
    what_was_altered_is_refused_by_name(opens);
    with_a_key_only_what_is_signed_is_taken(opens);
    many_machines_at_once_leave_one_whole_archive(opens);
}

#[test]
fn a_folder_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let opens = |name: &str, key: Option<&Path>| {
        let url = format!("file://{}", dir.path().join(name).display());
        Remote::open(&url, key, []).unwrap()
    };
    every_scene(&opens);
}

#[test]
fn a_store_that_does_not_answer_stops_nobody() {
    let scene = Scene::new();
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = settings(port).into_iter().chain([("AWS_MAX_RETRIES".to_owned(), "0".to_owned())]);
    let store = Remote::open("s3://bulkhead/cache", None, settings).unwrap();
    assert_eq!(fill(&scene, &machine(&scene, "one", store)).unwrap(), ["built"]);
}

/// What a client of the server on `port` finds in its environment.
fn settings(port: u16) -> Vec<(String, String)> {
    let endpoint = format!("http://127.0.0.1:{port}");
    [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "tester"),
        ("AWS_SECRET_ACCESS_KEY", "tester"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// A server that speaks S3, with one bucket; it ends with the test.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new(python_with_server());
        server.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        let child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Server { child, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(server.child.try_wait().unwrap(), None, "the server ended");
            thread::yield_now();
        }
        server.make_bucket("bulkhead");
        server
    }

    fn make_bucket(&self, name: &str) {
        use std::io::{Read as _, Write as _};
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.port
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python that has the server: the machine's own, or one that pip fills for this test.
fn python_with_server() -> PathBuf {
    let has = |python: &Path| {
        let found = Command::new(python).args(["-c", "import moto.server, flask"]).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    let own = PathBuf::from("python3");
    if has(&own) {
        return own;
    }
    let venv = Project::locate().unwrap().target().join("s3-server");
    let python = venv.join("bin/python");
    if !has(&python) {
        assert!(Command::new("python3").args(["-m", "venv"]).arg(&venv).status().unwrap().success());
        let pip = ["-m", "pip", "install", "--quiet", "moto[s3,server]==5.2.1"];
        assert!(Command::new(&python).args(pip).status().unwrap().success());
    }
    python
}

#[test]
#[ignore = "slow: starts a server that speaks S3"]
fn a_server_that_speaks_s3_is_a_store() {
    let server = Server::start();
    let opens = |name: &str, key: Option<&Path>| {
        Remote::open(&format!("s3://bulkhead/{name}"), key, settings(server.port)).unwrap()
    };
    every_scene(&opens);
}

/// What tells this test, which starts itself again, where the web server is.
const WEB_SERVER: &str = "BULKHEAD_TEST_WEB_SERVER";

#[test]
#[ignore = "slow: starts a web server"]
fn a_web_server_behind_a_certificate_is_a_store() {
    if let Ok(url) = std::env::var(WEB_SERVER) {
        return every_scene(&|name, key| Remote::open(&format!("{url}/{name}"), key, []).unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let certificate = dir.path().join("certificate.pem");
    let mut python = Command::new(python_with_server());
    python.args(["-c", include_str!("https_server.py")]).arg(&certificate);
    let mut child = python.stdout(Stdio::piped()).spawn().unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let _server = Server { child, port: port.trim().parse().unwrap() };
    // Whom to trust is read from the environment, which cannot be changed from here on.
    let again = |trusted: bool| {
        let mut test = Command::new(std::env::current_exe().unwrap());
        let name = thread::current().name().unwrap().to_owned();
        test.args(["--exact", "--ignored", &name]);
        test.env(WEB_SERVER, format!("https://127.0.0.1:{}", port.trim())).env_remove("SSL_CERT_DIR");
        if trusted {
            test.env("SSL_CERT_FILE", &certificate);
        }
        test.output().unwrap()
    };
    let stranger = again(false);
    assert!(!stranger.status.success(), "a certificate that nobody vouches for was believed");
    let friend = again(true);
    assert!(friend.status.success(), "{}", String::from_utf8_lossy(&friend.stdout));
}
