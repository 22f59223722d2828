//! Where the cursor is in the form and in the tree of the network, and which blocks are closed.

use std::collections::BTreeSet;

use crate::arch::plan::{Kind, Plan};
use crate::recipe::keys::{FORM, Key};

/// Which half has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    #[default]
    Form,
    Tree,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RecipeScreen {
    pub(crate) pane: Pane,
    /// Row of the form.
    pub(crate) row: usize,
    /// Row of the visible tree.
    pub(crate) tree_row: usize,
    /// Blocks whose layers are hidden, from 1.
    pub(crate) closed: BTreeSet<usize>,
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TreeLine {
    /// A dense block: its number, layers, parameters, multiply-accumulates, bytes.
    Block { block: usize, layers: usize, parameters: u64, macs: u64, bytes: u64, output: [usize; 3] },
    /// A row of the plan, by its place.
    Row(usize),
}

impl RecipeScreen {
    /// The field under the cursor.
    pub(crate) fn field(&self) -> Key {
        FORM[self.row.min(FORM.len() - 1)]
    }

    /// The visible lines of the tree of `plan`.
    pub(crate) fn tree(&self, plan: &Plan) -> Vec<TreeLine> {
        let mut lines = Vec::new();
        for (place, row) in plan.rows.iter().enumerate() {
            let Kind::DenseLayer { block, layer } = row.kind else {
                lines.push(TreeLine::Row(place));
                continue;
            };
            if layer == 1 {
                let rows = plan.rows.iter().filter(
                    |row| matches!(row.kind, Kind::DenseLayer { block: other, .. } if other == block),
                );
                let (mut layers, mut parameters, mut macs, mut bytes, mut output) = (0, 0, 0, 0, row.output);
                for row in rows {
                    layers += 1;
                    parameters += row.parameter_count();
                    macs += row.macs;
                    bytes += row.activation_bytes;
                    output = row.output;
                }
                lines.push(TreeLine::Block { block, layers, parameters, macs, bytes, output });
            }
            if !self.closed.contains(&block) {
                lines.push(TreeLine::Row(place));
            }
        }
        lines
    }

    /// Closes all of so many blocks, or opens them where all are closed.
    pub(crate) fn toggle_all(&mut self, blocks: usize) {
        let all: BTreeSet<usize> = (1..=blocks).collect();
        self.closed = if self.closed == all { BTreeSet::new() } else { all };
        self.tree_row = 0;
    }

    /// Opens or closes the block under the cursor; whether there was one.
    pub(crate) fn toggle(&mut self, plan: &Plan) -> bool {
        let block = match self.tree(plan).get(self.tree_row) {
            Some(TreeLine::Block { block, .. }) => *block,
            Some(TreeLine::Row(place)) => match plan.rows[*place].kind {
                Kind::DenseLayer { block, .. } => block,
                _ => return false,
            },
            None => return false,
        };
        if !self.closed.remove(&block) {
            self.closed.insert(block);
            let lines = self.tree(plan);
            let head = |line: &TreeLine| matches!(line, TreeLine::Block { block: b, .. } if *b == block);
            self.tree_row = lines.iter().position(head).unwrap_or(0);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Data, Recipe};
    use crate::ui::workspace::draft::Draft;

    #[test]
    fn a_closed_block_hides_its_layers() {
        let (mut screen, mut draft) = (RecipeScreen::default(), Draft::new(&Recipe::defaults(Data::Shapes)));
        draft.set("layers", "3,2").unwrap();
        let plan = draft.plan().unwrap();
        let open = screen.tree(&plan).len();
        assert_eq!(open, plan.rows.len() + 2);
        screen.tree_row = 1;
        assert!(screen.toggle(&plan));
        assert_eq!(screen.tree(&plan).len(), open - 3);
        assert!(screen.toggle(&plan));
        assert_eq!(screen.tree(&plan).len(), open);
    }
}
