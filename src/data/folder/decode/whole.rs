//! Whether all of a file is there. Decoders fill in what is missing of a JPEG, and do not look for the end of others.

use image::ImageFormat;

use crate::data::folder::decode::fault::CUT_OFF;

/// Refuses a file in `format` whose end is missing; rubbish behind the end is passed over.
pub(super) fn check(bytes: &[u8], format: ImageFormat) -> Result<(), String> {
    let whole = match format {
        ImageFormat::Jpeg => jpeg(bytes),
        ImageFormat::Png => png(bytes),
        ImageFormat::WebP => webp(bytes),
        // Their decoders ask for every byte that they need.
        _ => Some(()),
    };
    whole.ok_or_else(|| CUT_OFF.into())
}

// Markers of a JPEG, without the 0xff before them.
const SOF: [u8; 13] = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
const DHT: u8 = 0xc4;
const DAC: u8 = 0xcc;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const DQT: u8 = 0xdb;
const DNL: u8 = 0xdc;
const DRI: u8 = 0xdd;
const APP: std::ops::RangeInclusive<u8> = 0xe0..=0xef;
const COM: u8 = 0xfe;

/// Goes from segment to segment, so that the end of a thumbnail in one does not count, to the end behind a scan.
fn jpeg(bytes: &[u8]) -> Option<()> {
    let mut scanned = false;
    // Behind the first marker, which has no length.
    let mut at = 2;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)? + 1;
        let marker = *bytes.get(at)?;
        // In a scan 0xff is followed by 0 or by a restart, elsewhere perhaps by more 0xff or by rubbish.
        let segment = matches!(marker, DHT | DAC | SOS | DQT | DNL | DRI | COM)
            || APP.contains(&marker)
            || SOF.contains(&marker);
        if marker == EOI && scanned {
            return Some(());
        }
        if segment {
            let length = bytes.get(at + 1..at + 3)?;
            at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            scanned |= marker == SOS;
        } else if marker != 0xff {
            at += 1;
        }
    }
}

/// Goes from chunk to chunk to the last.
fn png(bytes: &[u8]) -> Option<()> {
    let mut at = 8_usize;
    loop {
        let head = bytes.get(at..at.checked_add(8)?)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        // Behind length, name, content and checksum.
        at = at.checked_add(length as usize)?.checked_add(12)?;
        if &head[4..] == b"IEND" {
            return (bytes.len() >= at).then_some(());
        }
    }
}

/// Compares the length that the head claims.
fn webp(bytes: &[u8]) -> Option<()> {
    let length = bytes.get(4..8)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    (bytes.len() as u64 >= u64::from(length) + 8).then_some(())
}
