//! Which layers make an image, and what it says about itself: `manifest.json` of `docker save`, or an index, manifest and configuration
//! (OCI image specification 1.1: image-layout.md, image-index.md, manifest.md, config.md).

use super::blobs::Blobs;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Nested indexes at most.
const MOST_NESTED: u8 = 3;

/// One image: its layers, lowest first, and its configuration.
#[derive(Debug)]
pub struct Plan {
    /// The parts that hold the layers.
    pub layers: Vec<String>,
    /// What the image says about itself.
    pub config: Config,
    /// Its manifest's digest, where it has one.
    pub digest: Option<String>,
    /// The names it was saved under, as `nginx:1.25`.
    pub names: Vec<String>,
}

impl Plan {
    /// A layer's digest, unpacked (`diff_id`); of a configuration that does not say, the layer's part.
    #[must_use]
    pub fn digest_of(&self, at: usize) -> &str {
        self.config.rootfs.diff_ids.get(at).or_else(|| self.layers.get(at)).map_or("", String::as_str)
    }
}

/// An image's configuration.
#[derive(Debug, Default, Deserialize)]
pub struct Config {
    /// Processor.
    #[serde(default)]
    pub architecture: String,
    /// Operating system.
    #[serde(default)]
    pub os: String,
    /// The processor's variant.
    #[serde(default)]
    pub variant: String,
    /// How it is run.
    #[serde(default)]
    pub config: Option<Run>,
    /// Digests of its unpacked layers.
    #[serde(default)]
    pub rootfs: RootFs,
    /// What made it.
    #[serde(default)]
    pub history: Option<Vec<History>>,
}

/// How an image is run.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Run {
    /// As whom.
    pub user: Option<String>,
    /// `NAME=value`.
    pub env: Option<Vec<String>>,
    /// Whether it is well.
    pub healthcheck: Option<serde_json::Value>,
}

/// Digests of an image's unpacked layers.
#[derive(Debug, Default, Deserialize)]
pub struct RootFs {
    /// Lowest first.
    #[serde(default)]
    pub diff_ids: Vec<String>,
}

/// One instruction.
#[derive(Debug, Default, Deserialize)]
pub struct History {
    /// What was run.
    #[serde(default)]
    pub created_by: String,
    /// Whether it made no layer.
    #[serde(default)]
    pub empty_layer: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    platform: Option<Platform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Where builders note an image's name: OCI image specification 1.1, annotations.md, and containerd's own.
const NAMES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

/// `os/architecture`, with the processor's variant where it matters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: String,
}

impl Platform {
    /// From `linux/arm64` or `linux/arm/v7`.
    ///
    /// # Errors
    /// When it is not of that form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let part = |part: Option<&str>| part.unwrap_or_default().to_ascii_lowercase();
        let mut parts = text.split('/');
        let platform = Self { os: part(parts.next()), architecture: part(parts.next()), variant: part(parts.next()) };
        let whole = !platform.os.is_empty() && !platform.architecture.is_empty() && parts.next().is_none();
        if whole { Ok(platform) } else { Err(format!("`{text}` is no platform: write it like linux/amd64 or linux/arm/v7")) }
    }

    fn name(&self) -> String {
        let variant = if self.variant.is_empty() { String::new() } else { format!("/{}", self.variant) };
        format!("{}/{}{variant}", self.os, self.architecture)
    }

    /// Whether an image of this platform is one that was asked for.
    fn is(&self, asked: &Self) -> bool {
        self.os == asked.os && self.architecture == asked.architecture && (asked.variant.is_empty() || self.variant == asked.variant)
    }
}

/// The one image in the parts, of the platform that was asked for.
///
/// # Errors
/// When there is none, or several and nothing says which.
pub fn of(blobs: &Blobs, platform: Option<&Platform>) -> Result<Plan, String> {
    let plan = match blobs.paper::<Vec<Saved>>("manifest.json") {
        Ok(saved) => saved_plan(blobs, &saved)?,
        Err(why) => {
            let neither = |reason| format!("it is no image: neither manifest.json nor index.json reads ({why}; {reason})");
            let index: Index = blobs.paper("index.json").map_err(neither)?;
            layout_plan(blobs, index, platform)?
        }
    };
    let Config { os, architecture, variant, .. } = &plan.config;
    let own = Platform { os: os.clone(), architecture: architecture.clone(), variant: variant.clone() };
    match platform {
        Some(asked) if !own.os.is_empty() && !own.is(asked) => {
            Err(format!("it holds an image for {}, not for {}", own.name(), asked.name()))
        }
        _ => Ok(plan),
    }
}

fn saved_plan(blobs: &Blobs, saved: &[Saved]) -> Result<Plan, String> {
    match saved {
        [one] => Ok(Plan {
            layers: one.layers.clone(),
            config: blobs.paper(&one.config)?,
            digest: None,
            names: one.repo_tags.clone().unwrap_or_default(),
        }),
        [] => Err("its manifest.json names no image".to_owned()),
        more => {
            let tags = saved.iter().flat_map(|one| one.repo_tags.iter().flatten().cloned()).collect::<Vec<_>>().join(", ");
            Err(format!("it holds {} images ({tags}): save one of them", more.len()))
        }
    }
}

fn layout_plan(blobs: &Blobs, index: Index, platform: Option<&Platform>) -> Result<Plan, String> {
    let mut images = Vec::new();
    let known = index.manifests.iter().flat_map(|one| NAMES.iter().filter_map(|key| one.annotations.get(*key)));
    let names_of_it: BTreeSet<String> = known.cloned().collect();
    collect(blobs, index, 0, &mut images)?;
    if let Some(asked) = platform {
        let names = names(&images);
        images.retain(|one| one.platform.as_ref().is_none_or(|platform| platform.is(asked)));
        if images.is_empty() {
            return Err(format!("it holds no image for {}, only for {names}", asked.name()));
        }
    }
    let one = match images.as_slice() {
        [one] => one,
        [] => return Err("its index names no image".to_owned()),
        _ => return Err(format!("it holds images for {}: say which, as in `--platform linux/amd64`", names(&images))),
    };
    let manifest: Manifest = blobs.paper(&blob(&one.digest)?)?;
    let layers = manifest.layers.iter().map(|layer| blob(&layer.digest)).collect::<Result<_, _>>()?;
    Ok(Plan {
        layers,
        config: blobs.paper(&blob(&manifest.config.digest)?)?,
        digest: Some(one.digest.clone()),
        names: names_of_it.into_iter().collect(),
    })
}

fn names(images: &[Descriptor]) -> String {
    let name = |one: &Descriptor| one.platform.as_ref().map_or_else(|| one.digest.clone(), Platform::name);
    images.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The images of an index and of those in it; attestations are none.
fn collect(blobs: &Blobs, index: Index, depth: u8, images: &mut Vec<Descriptor>) -> Result<(), String> {
    if depth > MOST_NESTED {
        return Err("its indexes are nested too deep".to_owned());
    }
    for one in index.manifests {
        if one.platform.as_ref().is_some_and(|platform| platform.os == "unknown") {
            continue;
        }
        if one.media_type.ends_with("image.index.v1+json") || one.media_type.ends_with("manifest.list.v2+json") {
            collect(blobs, blobs.paper(&blob(&one.digest)?)?, depth + 1, images)?;
        } else if !images.iter().any(|known| known.digest == one.digest) {
            images.push(one);
        }
    }
    Ok(())
}

/// Where a layout keeps a digest's blob.
fn blob(digest: &str) -> Result<String, String> {
    let (kind, hex) = digest.split_once(':').ok_or_else(|| format!("`{digest}` is no digest"))?;
    let sound = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    if sound(kind) && sound(hex) { Ok(format!("blobs/{kind}/{hex}")) } else { Err(format!("`{digest}` is no digest")) }
}
