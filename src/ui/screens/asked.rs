//! A question that a screen asks of the engine, and the wait for its answer.

use crate::protocol::{Answer, Command, Event, Question};
use crate::ui::effect::Effect;
use crate::ui::workspace::Workspace;

#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The id of the question, until it is answered.
    pub(crate) awaited: Option<u64>,
    /// Why there was no answer to the last question.
    pub(crate) trouble: Option<String>,
}

impl Asked {
    pub(crate) fn ask(&mut self, question: Question, ws: &mut Workspace) -> Effect {
        let id = ws.next_question();
        (self.awaited, self.trouble) = (Some(id), None);
        Effect::send(Command::Ask { id, question })
    }

    pub(crate) fn waits(&self) -> bool {
        self.awaited.is_some()
    }

    /// The answer, where an event has it; of a refusal, the reason is kept.
    pub(crate) fn answered<'e>(&mut self, event: &'e Event) -> Option<&'e Answer> {
        let Event::Answered { id, answer } = event else { return None };
        self.awaited.take_if(|awaited| awaited == id)?;
        self.trouble = answer.as_ref().err().map(|why| why.message.clone());
        answer.as_deref().ok()
    }
}
