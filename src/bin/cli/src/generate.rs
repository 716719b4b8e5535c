//! `-generate`: blocks whose rewards go to a new address of the wallet.

use rpc::Json;
use rpc::client::positional;

use crate::error::CliError;
use crate::reply::Answer;
use crate::session::Session;

/// Takes a new address and makes the blocks. The words are the number of blocks and the most tries.
pub(crate) fn run(session: &mut Session<'_>, wallet: Option<&str>, words: &[String]) -> Result<Answer, CliError> {
    let address = session.call(wallet, "getnewaddress", Json::Arr(Vec::new()), Json::from("1"))?;
    if let Some(failed) = Answer::failure(&address) {
        return Ok(failed);
    }
    let address = address.get("result").as_str()?;
    let params = match words {
        [] => vec!["1", address],
        [zero, ..] if words.len() <= 2 && zero == "0" => return Err(CliError::NoBlocks),
        [blocks] => vec![blocks, address],
        [blocks, tries] => vec![blocks, address, tries],
        _ => return Err(CliError::TooManyArguments),
    };
    let params = positional("generatetoaddress", &params)?;
    let reply = session.call(wallet, "generatetoaddress", params, Json::from(1))?;
    Ok(Answer::failure(&reply)
        .unwrap_or_else(|| Answer::Value(rpc::obj! { "address" => address, "blocks" => reply.get("result").clone() })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fake;

    fn ask(words: &[&str]) -> (Result<Answer, CliError>, Vec<String>) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut fake = Fake::answering([r#"{"result":"addr"}"#, r#"{"result":["00ff"]}"#]);
        let answer = fake.session(|session| run(session, Some("w"), &words));
        (answer, fake.requests().iter().map(|request| request.get("params").write()).collect())
    }

    #[test]
    fn blocks_go_to_a_new_address() {
        for (words, params) in [(&[][..], r#"[1,"addr"]"#), (&["3"], r#"[3,"addr"]"#), (&["3", "9"], r#"[3,"addr",9]"#)]
        {
            let (answer, requests) = ask(words);
            let Ok(Answer::Value(value)) = answer else { panic!("{answer:?}") };
            assert_eq!(value.write(), r#"{"address":"addr","blocks":["00ff"]}"#);
            assert_eq!(requests, ["[]", params]);
        }
    }

    #[test]
    fn wrong_words_are_refused() {
        let text = |words: &[&str]| ask(words).0.unwrap_err().to_string();
        assert_eq!(text(&["foo"]), "Error parsing JSON: foo");
        assert_eq!(text(&["1", "2", "3"]), "too many arguments (maximum 2 for nblocks and maxtries)");
        assert_eq!(text(&["0", "2", "3"]), "too many arguments (maximum 2 for nblocks and maxtries)");
        assert_eq!(
            text(&["0"]),
            "the first argument (number of blocks to generate, default: 1) must be an integer value greater than zero"
        );
    }

    #[test]
    fn errors_of_both_calls_are_shown() {
        let failed = r#"{"error":{"code":-18,"message":"no wallet"}}"#;
        for answers in [vec![failed], vec![r#"{"result":"addr"}"#, failed]] {
            let answer = Fake::answering(answers).session(|session| run(session, None, &[]));
            assert!(matches!(answer, Ok(Answer::Failed(_))));
        }
    }
}
