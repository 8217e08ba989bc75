//! EPSS scores as FIRST publishes them: gzip of a comment line, a heading, and `cve,epss,percentile` lines.

use super::SyncError;
use super::lists::Loaded;
use crate::mirror::writer::Writer;
use crate::model::advisory::CveId;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Bytes of the unpacked file at most; a file of 300,000 scores has ten million.
const LARGEST: u64 = 1 << 28;

/// Loads the scores.
///
/// # Errors
/// When the file cannot be read, does not end, or holds a line that is no score; or the database refuses.
pub fn load(name: &str, path: &Path, sound: &dyn Fn(u64) -> Result<(), SyncError>, writer: &mut Writer) -> Result<Loaded, SyncError> {
    let told = |cause| SyncError::Read { path: path.to_owned(), cause };
    let mut file = BufReader::new(File::open(path).map_err(told)?);
    let packed = file.fill_buf().map_err(told)?.starts_with(&[0x1f, 0x8b]);
    let reader: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = BufReader::new(reader.take(LARGEST + 1));
    let (mut scores, mut newest, mut read, mut line, mut heading) = (Vec::new(), String::new(), 0_u64, String::new(), false);
    loop {
        line.clear();
        let length = reader.read_line(&mut line).map_err(told)? as u64;
        if length == 0 {
            break;
        }
        let broken = |cause: &str| SyncError::Syntax { feed: path.display().to_string(), offset: read, cause: cause.to_owned() };
        let text = line.trim_end();
        if let Some(comment) = text.strip_prefix('#') {
            newest = comment.split(',').find_map(|part| part.strip_prefix("score_date:")).unwrap_or_default().to_owned();
        } else if !heading {
            heading = text.starts_with("cve,epss");
            if !heading {
                return Err(broken("it has no heading `cve,epss,percentile`"));
            }
        } else if !text.is_empty() {
            scores.push(score(text).ok_or_else(|| broken("this line is not `cve,epss,percentile`"))?);
        }
        if read + length > LARGEST {
            return Err(broken("it does not end"));
        }
        read += length;
    }
    sound(scores.len() as u64)?;
    writer.forget_epss()?;
    writer.forget_aside(name)?;
    for (cve, epss, percentile) in &scores {
        writer.write_epss(*cve, *epss, *percentile)?;
    }
    Ok(Loaded { records: scores.len() as u64, newest })
}

fn score(line: &str) -> Option<(i64, f64, f64)> {
    let mut parts = line.split(',');
    let id: CveId = parts.next()?.parse().ok()?;
    let probability = |text: &str| text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
    Some((id.packed(), probability(parts.next()?)?, probability(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn a_line_is_an_id_and_two_probabilities() {
        assert_eq!(score("CVE-2020-0001,0.5,0.75").map(|(_, epss, percentile)| (epss, percentile)), Some((0.5, 0.75)));
        for bad in ["CVE-2020-0001,0.5", "CVE-2020-0001,2,0.1", "X,0.1,0.1", "CVE-2020-0001,NaN,0"] {
            assert!(score(bad).is_none(), "{bad}");
        }
    }
}
