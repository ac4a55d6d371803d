//! A file from its end: its lines block by block, the last first.

use std::fs::File;
use std::io;
use std::path::Path;

use super::files::read_at;

/// How much is read at once, until a line is longer.
const BLOCK: u64 = 256 << 10;

#[derive(Debug)]
pub(crate) struct ReverseBlocks {
    file: File,
    /// Everything behind this place was read.
    begin: u64,
    /// What stands there and was not returned: the end of a line that begins in front of it.
    rest: Vec<u8>,
}

/// Some lines that follow each other.
pub(crate) struct Block {
    /// Where in the file.
    pub begin: u64,
    /// From the beginning of a line on. The last line of a file may lack its line feed, and no other.
    pub bytes: Vec<u8>,
}

impl ReverseBlocks {
    pub(crate) fn open(path: &Path) -> io::Result<ReverseBlocks> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        Ok(ReverseBlocks::from(file, end))
    }

    /// What stands in front of `end`, where a line begins or the file ends.
    pub(crate) fn from(file: File, end: u64) -> ReverseBlocks {
        ReverseBlocks {
            file,
            begin: end,
            rest: Vec::new(),
        }
    }

    /// The file, for whoever has gone back far enough.
    pub(crate) fn into_file(self) -> File {
        self.file
    }

    /// The lines in front of those that were returned: all that begin in the next block. `None`: there are no more.
    pub(crate) fn next_block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = std::mem::take(&mut self.rest);
        while self.begin > 0 {
            let size = self.begin.min(BLOCK.max(bytes.len() as u64));
            let begin = self.begin - size;
            let mut block = vec![0; size as usize];
            let read = read_at(&self.file, &mut block, begin)?;
            if read < block.len() {
                // It was cut meanwhile: what stood behind it is gone.
                block.truncate(read);
                bytes.clear();
            }
            block.append(&mut bytes);
            bytes = block;
            self.begin = begin;
            // In front of the first line feed stands the end of a line, unless the file begins there.
            let first = memchr::memchr(b'\n', &bytes).map(|feed| feed + 1);
            if let Some(first) = first.filter(|&first| begin > 0 && first < bytes.len()) {
                self.rest = bytes.drain(..first).collect();
                let begin = begin + first as u64;
                return Ok(Some(Block { begin, bytes }));
            }
        }
        let is_over = bytes.is_empty();
        Ok((!is_over).then_some(Block { begin: 0, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_the_whole_file_and_begin_with_lines() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        let block = BLOCK as usize;
        let lines = |lengths: &[usize]| {
            let lines = lengths.iter().map(|length| "x".repeat(*length) + "\n");
            lines.collect::<String>()
        };
        let cases = [
            String::new(),
            "\n".to_owned(),
            "no end".to_owned(),
            lines(&[1, 2, 3]),
            lines(&[1, 2, 3]) + "no end",
            lines(&[block - 1, block - 1]),
            lines(&[block, block + 1, 0, 0, 5]),
            lines(&[0, 3 * block, 7, 5 * block, 0]) + "no end",
            lines(&[4 * block]),
            lines(&[9; 90_000]),
            "x".repeat(3 * block),
        ];
        for content in cases {
            std::fs::write(&path, &content).expect("written");
            let mut blocks = ReverseBlocks::open(&path).expect("a file");
            let mut end = content.len();
            while let Some(Block { begin, bytes }) = blocks.next_block().expect("readable") {
                let begin = begin as usize;
                assert!(!bytes.is_empty());
                assert!(bytes == content.as_bytes()[begin..end]);
                assert!(begin == 0 || content.as_bytes()[begin - 1] == b'\n');
                end = begin;
            }
            assert_eq!(end, 0);
            assert!(blocks.next_block().expect("readable").is_none());
        }
    }

    #[test]
    fn what_stands_in_front_of_a_place_is_read_and_a_cut_file_has_less() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("file");
        let content = "a line\n".repeat(100_000);
        std::fs::write(&path, &content).expect("written");
        let open = || File::open(&path).expect("a file");
        let mut blocks = ReverseBlocks::from(open(), 14);
        let block = blocks.next_block().expect("readable").expect("two lines");
        assert_eq!((block.begin, &*block.bytes), (0, &b"a line\na line\n"[..]));

        let mut blocks = ReverseBlocks::from(open(), content.len() as u64);
        blocks.next_block().expect("readable").expect("lines");
        std::fs::write(&path, "a line\nand").expect("written");
        let mut left = Vec::new();
        while let Some(block) = blocks.next_block().expect("readable") {
            left.push((block.begin, block.bytes));
        }
        assert_eq!(left, [(0, b"a line\nand".to_vec())]);
    }
}
