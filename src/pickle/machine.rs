//! The stack machine that a pickle is a program for, as far as plain data goes.

use std::collections::HashMap;

use crate::pickle::program::{Fault, Program, broken, utf8};
use crate::pickle::value::{Array, Id, Name, Order, Subject, Tensor, Value};

/// More operations than any file of images or weights has, and few enough that no file can cost much memory or time.
const MOST_OPERATIONS: usize = 2_000_000;

/// A program and what it has made so far.
pub(crate) struct Machine<'a> {
    program: Program<'a>,
    subject: Subject,
    /// Where the current operation began, for the error.
    operation: usize,
    values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack that nothing pops below.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(bytes: &'a [u8], subject: Subject) -> Self {
        Self {
            program: Program { bytes, position: 0 },
            subject,
            operation: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        }
    }

    /// Where the last operation began.
    pub(crate) fn at(&self) -> usize {
        self.operation
    }

    /// Where the program has been read to.
    pub(crate) fn end(&self) -> usize {
        self.program.position
    }

    /// Every value made.
    pub(crate) fn values(self) -> Vec<Value<'a>> {
        self.values
    }

    /// Runs to the end; the value that is the pickle.
    pub(crate) fn run(&mut self) -> Result<Id, Fault> {
        for _ in 0..MOST_OPERATIONS {
            self.operation = self.program.position;
            let operation = self.program.byte()?;
            if operation == b'.' {
                return self.pop();
            }
            self.step(operation)?;
        }
        broken(format!("it has more than {MOST_OPERATIONS} operations"))
    }

    fn step(&mut self, operation: u8) -> Result<(), Fault> {
        match operation {
            // Protocol and frame say nothing that matters here.
            0x80 => self.program.take(1).map(|_| ()),
            0x95 => self.program.take(8).map(|_| ()),

            b'N' | 0x89 => self.push(Value::Other),
            0x88 => self.push(Value::True),
            b'G' => {
                self.program.take(8)?;
                self.push(Value::Other)
            }
            b'K' => self.integer(1),
            b'M' => self.integer(2),
            b'J' => {
                let n = i32::from_le_bytes(self.program.array()?);
                self.push(Value::Integer(n.into()))
            }
            0x8a => self.long(),

            b'U' | b'C' => self.bytes(1),
            b'T' | b'B' => self.bytes(4),
            0x8e | 0x96 => self.bytes(8),
            0x8c => self.text(1),
            b'X' => self.text(4),
            0x8d => self.text(8),

            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(|_| ()),
            b'1' => self.pop_mark().map(|_| ()),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }

            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            0x85..=0x87 => {
                let n = usize::from(operation - 0x84);
                let mut items = (0..n).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                self.push(Value::Tuple(items))
            }
            b't' => {
                let items = self.pop_mark()?;
                self.push(Value::Tuple(items))
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(&items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.insert(&items)
            }

            b'q' => self.remember(1),
            b'r' => self.remember(4),
            0x94 => {
                let (index, top) = (self.memo.len() as u32, self.top()?);
                self.memo.insert(index, top);
                Ok(())
            }
            b'h' => self.recall(1),
            b'j' => self.recall(4),

            b'c' => {
                let (module, name) = (self.program.line()?, self.program.line()?);
                self.name(module, name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.values[module as usize], &self.values[name as usize]) {
                    (&Value::Text(module), &Value::Text(name)) => self.name(module, name),
                    _ => broken("the name of a function is not a text"),
                }
            }
            b'R' => self.call(),
            b'b' => self.set_state(),
            b'Q' => {
                let place = self.pop()?;
                self.push(Value::Elsewhere(place))
            }

            other => broken(format!("operation {other:#04x} is not one that plain data needs")),
        }
    }

    /// Calls a named function: makes what it would have made.
    fn call(&mut self) -> Result<(), Fault> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Name(name) = self.values[function as usize] else {
            return broken("it calls something that is no function");
        };
        let Value::Tuple(arguments) = &self.values[arguments as usize] else {
            return broken("a function's arguments are no tuple");
        };
        let value = match (name, arguments.as_slice()) {
            (Name::Reconstruct, _) => Value::Array(None),
            (Name::DType, &[spelling, ..]) => Value::Type(spelling),
            (Name::Encode, &[text, ..]) => Value::Latin1(text),
            (Name::FromBuffer, &[data, dtype, shape, order]) => Value::Array(Some(Array {
                shape,
                dtype,
                order: match self.values[order as usize] {
                    Value::Text("F") => Order::Fortran,
                    _ => Order::C,
                },
                data,
            })),
            (Name::OrderedDict, &[]) => Value::Dict(Vec::new()),
            (Name::OrderedDict, &[pairs]) => Value::Dict(self.pairs(pairs)?),
            (Name::RebuildTensor, &[storage, offset, shape, strides, ..]) => {
                Value::Tensor(Tensor { storage, offset, shape, strides })
            }
            (Name::RebuildParameter, &[tensor, ..]) => {
                self.stack.push(tensor);
                return Ok(());
            }
            _ => return broken("a function has unexpected arguments"),
        };
        self.push(value)
    }

    /// The keys and values in a list of pairs.
    fn pairs(&self, list: Id) -> Result<Vec<(Id, Id)>, Fault> {
        let Value::List(items) = &self.values[list as usize] else {
            return broken("an ordered dict is made of something that is no list");
        };
        items
            .iter()
            .map(|&pair| match &self.values[pair as usize] {
                Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
                _ => broken("an ordered dict is made of something that is no pair"),
            })
            .collect()
    }

    /// Gives an object on the stack its state: an array is made whole, the rest needs none.
    fn set_state(&mut self) -> Result<(), Fault> {
        let (state, object) = (self.pop()?, self.top()?);
        match self.values[object as usize] {
            // An ordered dict may have attributes, as PyTorch's `_metadata`.
            Value::Type(_) | Value::Dict(_) => Ok(()),
            Value::Array(_) => {
                let Value::Tuple(state) = &self.values[state as usize] else {
                    return broken("the state of an array is no tuple");
                };
                let &[_version, shape, dtype, fortran, data] = state.as_slice() else {
                    return broken("the state of an array has not five parts");
                };
                let order = match self.values[fortran as usize] {
                    Value::True | Value::Integer(1) => Order::Fortran,
                    _ => Order::C,
                };
                self.values[object as usize] = Value::Array(Some(Array { shape, dtype, order, data }));
                Ok(())
            }
            _ => broken("it gives a state to something that has none"),
        }
    }

    fn name(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        if let Some(name) = self.subject.find(module, name) {
            return self.push(Value::Name(name));
        }
        let full: String = format!("{module}.{name}").chars().take(80).collect();
        Err(Fault::Refused(full.escape_debug().to_string()))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), Fault> {
        let list = self.top()?;
        match &mut self.values[list as usize] {
            Value::List(list) => {
                list.extend_from_slice(items);
                Ok(())
            }
            _ => broken("it appends to something that is no list"),
        }
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), Fault> {
        let dict = self.top()?;
        match &mut self.values[dict as usize] {
            Value::Dict(dict) if items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => broken("it inserts into something that is no dict"),
        }
    }

    // The stack.

    fn push(&mut self, value: Value<'a>) -> Result<(), Fault> {
        let id = Id::try_from(self.values.len()).or_else(|_| broken("it has too many values"))?;
        self.stack.push(id);
        self.values.push(value);
        Ok(())
    }

    fn top(&self) -> Result<Id, Fault> {
        match self.stack.last() {
            Some(&id) if self.stack.len() > self.floor() => Ok(id),
            _ => broken("it takes more from the stack than there is"),
        }
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, Fault> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => broken("a mark is missing"),
        }
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn remember(&mut self, width: usize) -> Result<(), Fault> {
        let (index, top) = (self.program.count(width)? as u32, self.top()?);
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, width: usize) -> Result<(), Fault> {
        let index = self.program.count(width)? as u32;
        match self.memo.get(&index) {
            Some(&id) => {
                self.stack.push(id);
                Ok(())
            }
            None => broken(format!("it recalls value {index}, which it never kept")),
        }
    }

    // Values that the program spells out.

    fn integer(&mut self, width: usize) -> Result<(), Fault> {
        let n = self.program.count(width)?;
        self.push(Value::Integer(n as i64))
    }

    /// An integer of any length in two's complement; those beyond 64 bits are nothing a label can be.
    fn long(&mut self) -> Result<(), Fault> {
        let bytes = self.program.counted(1)?;
        if bytes.len() > 8 {
            return self.push(Value::Other);
        }
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut wide = [sign; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Value::Integer(i64::from_le_bytes(wide)))
    }

    fn bytes(&mut self, width: usize) -> Result<(), Fault> {
        let bytes = self.program.counted(width)?;
        self.push(Value::Bytes(bytes))
    }

    fn text(&mut self, width: usize) -> Result<(), Fault> {
        let text = utf8(self.program.counted(width)?)?;
        self.push(Value::Text(text))
    }
}
