//! The smallest program that still fails, found by simpler inputs to the generator.

use crate::{GenConfig, GeneratedProgram, from_bytes};

/// Makes a failing input simpler while it still fails: smaller bounds, fewer bytes, zeroed bytes, bytes left out. Gives the bytes
/// and the bounds of the simplest found. `fails` is called at most `tries` times.
pub fn shrink(
    bytes: &[u8],
    config: &GenConfig,
    tries: usize,
    mut fails: impl FnMut(&GeneratedProgram) -> bool,
) -> (Vec<u8>, GenConfig) {
    let mut best = (bytes.to_vec(), *config);
    let mut left = tries;
    let mut improves = |best: &mut (Vec<u8>, GenConfig), bytes: Vec<u8>, config: GenConfig| {
        if left == 0 {
            return false;
        }
        left -= 1;
        let fails = fails(&from_bytes(&bytes, &config));
        if fails {
            *best = (bytes, config);
        }
        fails
    };
    loop {
        let size = |best: &(Vec<u8>, GenConfig)| {
            let config = best.1;
            let bounds = config.max_functions + config.max_statements + config.max_body + config.max_depth;
            (bounds, best.0.len(), best.0.iter().filter(|&&byte| byte != 0).count())
        };
        let before = size(&best);
        for config in smaller(&best.1) {
            let bytes = best.0.clone();
            improves(&mut best, bytes, config);
        }
        let mut cut = best.0.len() / 2;
        while cut > 0 {
            let (bytes, config) = (best.0[..best.0.len().saturating_sub(cut)].to_vec(), best.1);
            if !improves(&mut best, bytes, config) || cut > best.0.len() {
                cut /= 2;
            }
        }
        let mut width = best.0.len() / 2;
        while width > 0 {
            for start in (0..best.0.len()).step_by(width) {
                let end = (start + width).min(best.0.len());
                if best.0[start..end].iter().any(|&byte| byte != 0) {
                    let mut bytes = best.0.clone();
                    bytes[start..end].fill(0);
                    let config = best.1;
                    improves(&mut best, bytes, config);
                }
            }
            width /= 4;
        }
        // What follows a removed byte is read as something else, so most of these fail to fail.
        let mut width = best.0.len() / 2;
        while width > 0 {
            let mut start = 0;
            while start < best.0.len() {
                let mut bytes = best.0.clone();
                bytes.drain(start..(start + width).min(best.0.len()));
                let config = best.1;
                if !improves(&mut best, bytes, config) {
                    start += width;
                }
            }
            width /= 2;
        }
        if size(&best) >= before {
            return best;
        }
    }
}

fn smaller(config: &GenConfig) -> Vec<GenConfig> {
    let mut found = Vec::new();
    let less = |value: usize| [value / 2, value.saturating_sub(1)];
    for n in less(config.max_functions) {
        found.push(GenConfig { max_functions: n.max(1), ..*config });
    }
    for n in less(config.max_statements) {
        found.push(GenConfig { max_statements: n.max(1), ..*config });
    }
    for n in less(config.max_body) {
        found.push(GenConfig { max_body: n.max(1), ..*config });
    }
    for n in less(config.max_depth) {
        found.push(GenConfig { max_depth: n, ..*config });
    }
    found.retain(|smaller| smaller != config);
    found
}
