//! The bill of materials of a release, in CycloneDX 1.6: every component with version, licence, hash and needs.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::commit::{Commit, iso};
use super::inventory::Component;
use crate::depends::{Provided, hash};

/// Describes an archive.
pub(crate) fn write(
    name: &str,
    version: &str,
    triplet: &str,
    commit: &Commit,
    crates: &[Component],
    native: &[Provided],
    hashes: &BTreeMap<String, String>,
) -> Result<String> {
    let mut components: Vec<Value> = crates.iter().map(|component| of_crate(component, hashes)).collect();
    components.extend(native.iter().map(of_package));
    let release = format!("pkg:generic/{name}@{version}");
    let mut roots: Vec<String> =
        crates.iter().filter(|component| component.name.starts_with("bin-")).map(Component::url).collect();
    roots.extend(native.iter().map(Provided::url));
    let mut dependencies = vec![json!({ "ref": release, "dependsOn": roots })];
    dependencies.extend(crates.iter().map(|component| json!({ "ref": component.url(), "dependsOn": component.needs })));
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial(&format!("{name} {version} {triplet} {}", commit.id)),
        "version": 1,
        "metadata": {
            "timestamp": iso(commit.time),
            "tools": { "components": [{ "type": "application", "name": "cargo xtask dist" }] },
            "component": {
                "type": "application",
                "bom-ref": release,
                "name": name,
                "version": version,
                "purl": release,
                "licenses": [{ "expression": "MIT" }],
                "properties": [
                    { "name": "bulkhead:commit", "value": commit.id },
                    { "name": "bulkhead:host", "value": triplet },
                ],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn of_crate(component: &Component, hashes: &BTreeMap<String, String>) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": component.url(),
        "name": component.name,
        "version": component.version,
        "scope": "required",
    });
    if component.foreign {
        value["purl"] = component.url().into();
    }
    if let Some(sha256) = hashes.get(&format!("{}-{}.crate", component.name, component.version)) {
        value["hashes"] = json!([{ "alg": "SHA-256", "content": sha256 }]);
    }
    if let Some(licence) = &component.licence {
        // Old manifests write a slash where SPDX has OR.
        value["licenses"] = json!([{ "expression": licence.replace('/', " OR ").replace("  ", " ") }]);
    }
    value
}

fn of_package(package: &Provided) -> Value {
    json!({
        "type": "library",
        "bom-ref": package.url(),
        "name": package.name,
        "version": package.version,
        "purl": package.url(),
        "scope": "required",
        "licenses": [{ "expression": package.licence }],
        "hashes": [{ "alg": "SHA-256", "content": package.source }],
        "properties": [{ "name": "bulkhead:id", "value": package.id }],
    })
}

/// A UUID made of a text: the same for the same release.
fn serial(text: &str) -> String {
    let hex = hash::of_text(text);
    // Version 8 says "made in a way of one's own", the 8 after it is the variant.
    format!("urn:uuid:{}-{}-8{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::super::inventory::tests::components;
    use super::*;

    fn bill() -> Value {
        let commit = Commit { id: "c0ffee".into(), tree: "t".into(), time: 1_700_000_000, tag: None };
        let native = [Provided {
            name: "rocksdb".into(),
            version: "11.8.1".into(),
            licence: "Apache-2.0".into(),
            id: "0011".into(),
            source: "ab".repeat(32),
            archive: "cd".repeat(32),
            tool: false,
        }];
        let hashes = [("a-0.1.0+x.crate".to_owned(), "ef".repeat(32))].into();
        let text = write("bulkhead", "1", "x86_64-linux-gnu", &commit, &components(), &native, &hashes).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_component_has_what_an_auditor_asks_for() {
        let bill = bill();
        assert_eq!(
            (&bill["specVersion"], &bill["metadata"]["timestamp"]),
            (&json!("1.6"), &json!("2023-11-14T22:13:20Z"))
        );
        let components = bill["components"].as_array().unwrap();
        assert_eq!(components.len(), 4);
        assert_eq!(components[0]["purl"], "pkg:cargo/a@0.1.0%2Bx");
        assert_eq!(components[0]["hashes"][0]["content"], "ef".repeat(32));
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(components[1]["purl"], Value::Null, "our own crates are in no registry");
        assert_eq!(components[3]["purl"], "pkg:generic/rocksdb@11.8.1");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let bill = bill();
        let known: Vec<&Value> = bill["components"].as_array().unwrap().iter().map(|c| &c["bom-ref"]).collect();
        for arrow in bill["dependencies"].as_array().unwrap() {
            for target in arrow["dependsOn"].as_array().unwrap() {
                assert!(known.contains(&target), "{target}");
            }
        }
    }

    #[test]
    fn the_serial_number_is_a_uuid_of_the_release() {
        let one = serial("a");
        assert_eq!((one.len(), &one[23..24], serial("a") == one, serial("b") == one), (45, "8", true, false));
    }
}
