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
    pub(crate) row: usize,
    /// Row of the visible tree.
    pub(crate) tree_row: usize,
    /// Blocks whose layers are hidden, from 1.
    pub(crate) closed: BTreeSet<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TreeLine {
    pub(crate) of: Of,
    pub(crate) output: [usize; 3],
    pub(crate) parameters: u64,
    pub(crate) macs: u64,
    /// Of activations, an image.
    pub(crate) bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Of {
    /// A dense block by its number, with all its layers.
    Block { block: usize, layers: usize },
    /// A row of the plan, by its place.
    Row(usize),
}

impl RecipeScreen {
    pub(crate) fn field(&self) -> Key {
        FORM[self.row.min(FORM.len() - 1)]
    }

    /// The visible lines of the tree of `plan`.
    pub(crate) fn tree(&self, plan: &Plan) -> Vec<TreeLine> {
        let mut lines: Vec<TreeLine> = Vec::new();
        let mut open = 0;
        for (index, row) in plan.rows.iter().enumerate() {
            let (output, bytes) = (row.output, row.activation_bytes);
            let (parameters, macs) = (row.parameter_count(), row.macs);
            let line = TreeLine { of: Of::Row(index), output, parameters, macs, bytes };
            let Kind::DenseLayer { block, layer } = row.kind else {
                lines.push(line);
                continue;
            };
            if layer == 1 {
                open = lines.len();
                lines.push(TreeLine { of: Of::Block { block, layers: 1 }, ..line.clone() });
            } else {
                let whole = &mut lines[open];
                whole.of = Of::Block { block, layers: layer };
                whole.output = output;
                whole.parameters += parameters;
                whole.macs += macs;
                whole.bytes += bytes;
            }
            if !self.closed.contains(&block) {
                lines.push(line);
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
        let block = match self.tree(plan).get(self.tree_row).map(|line| line.of) {
            Some(Of::Block { block, .. }) => block,
            Some(Of::Row(index)) => match plan.rows[index].kind {
                Kind::DenseLayer { block, .. } => block,
                _ => return false,
            },
            None => return false,
        };
        if !self.closed.remove(&block) {
            self.closed.insert(block);
            let lines = self.tree(plan);
            let head = |line: &TreeLine| matches!(line.of, Of::Block { block: b, .. } if b == block);
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
