//! kitty's graphics protocol: a picture is sent, placed in cells and scaled to them; later it is deleted by its number.

use std::io::Write;

use base64::prelude::{BASE64_STANDARD, Engine};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::ui::widgets::picture::Placed;

/// The most signs of data in one command.
const CHUNK: usize = 4096;

/// Deletes every picture on the screen, and their data.
pub(super) const DELETE_ALL: &str = "\x1b_Ga=d,d=A,q=2\x1b\\";
/// The same, for tmux to pass on.
pub(super) const DELETE_ALL_IN_TMUX: &str = "\x1bPtmux;\x1b\x1b_Ga=d,d=A,q=2\x1b\x1b\\\x1b\\";

/// The commands that show a picture at the cursor, without moving it. No answer is wanted.
pub(super) fn commands(placed: &Placed, number: u32) -> Vec<String> {
    let data = BASE64_STANDARD.encode(deflated(&placed.pixels));
    let (side, cells) = (placed.side, placed.area);
    let mut head = format!(
        "a=T,q=2,f=24,o=z,s={side},v={side},i={number},p=1,c={},r={},C=1,",
        cells.width, cells.height
    );
    let chunks: Vec<&[u8]> = data.as_bytes().chunks(CHUNK).collect();
    let last = chunks.len() - 1;
    let command = |(index, chunk): (usize, &&[u8])| {
        let more = u8::from(index < last);
        format!("\x1b_G{}m={more};{}\x1b\\", std::mem::take(&mut head), String::from_utf8_lossy(chunk))
    };
    chunks.iter().enumerate().map(command).collect()
}

/// The command that deletes a picture and its data.
pub(super) fn delete(number: u32) -> String {
    format!("\x1b_Ga=d,d=I,i={number},q=2\x1b\\")
}

fn deflated(pixels: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    // Nothing that is written to memory fails.
    _ = encoder.write_all(pixels);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn what_is_sent_in_pieces_is_the_picture_again() {
        // Noise, which no compression makes small.
        let mut state = 1_u32;
        let mut noise = |_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        };
        let side = 64;
        let pixels: Vec<u8> = (0..3 * side * side).map(&mut noise).collect();
        let placed = Placed { area: Rect::new(4, 5, 20, 10), side, pixels: pixels.clone() };
        let commands = commands(&placed, 7);
        assert!(commands.len() > 1);
        let mut data = String::new();
        for (index, command) in commands.iter().enumerate() {
            let inner = command.strip_prefix("\x1b_G").unwrap().strip_suffix("\x1b\\").unwrap();
            let (keys, chunk) = inner.split_once(';').unwrap();
            assert!(chunk.len() <= CHUNK);
            assert!(keys.ends_with(if index + 1 < commands.len() { "m=1" } else { "m=0" }), "{keys}");
            let first = "a=T,q=2,f=24,o=z,s=64,v=64,i=7,p=1,c=20,r=10,C=1,";
            assert_eq!(keys.starts_with(first), index == 0);
            data.push_str(chunk);
        }
        let mut back = Vec::new();
        flate2::read::ZlibDecoder::new(&BASE64_STANDARD.decode(data).unwrap()[..])
            .read_to_end(&mut back)
            .unwrap();
        assert_eq!(back, pixels);
    }
}
