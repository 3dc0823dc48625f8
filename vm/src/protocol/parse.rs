//! From text to types. The parser keeps its own stack of what is open, so the text's depth costs memory, not stack.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::vec::Vec;

use super::error::{Place, ProtocolError, ProtocolErrorKind};
use super::lexer::{Lexer, Tok, Token};
use super::tree::{Cell, Edge, Tree};
use super::{MAX_NODES, MAX_PAYLOAD_PARTS, Name, Payload};
use crate::ValueType;

/// What differs between the texts of local and global types.
pub(super) trait Action: Sized {
    /// What a type may begin with, for messages.
    const BEGINS: &'static str;

    /// The head of an action, up to its opening brace, if one starts with the token that was just read.
    fn read(parser: &mut Parser<'_>, first: Token) -> Result<Option<Self>, ProtocolError>;
}

/// The classes that payloads name with a word.
const CLASSES: [ValueType; 13] = [
    ValueType::Unit,
    ValueType::Bool,
    ValueType::I64,
    ValueType::U64,
    ValueType::F64,
    ValueType::Decimal,
    ValueType::Bytes,
    ValueType::Str,
    ValueType::Agg,
    ValueType::Func,
    ValueType::Closure,
    ValueType::Coro,
    ValueType::Epid,
];

#[derive(Debug)]
pub(super) struct Parser<'s> {
    lexer: Lexer<'s>,
    /// The token after the one that was read last, if it has been looked at.
    ahead: Option<Token>,
    /// The end of the last token that was read.
    end: usize,
    names: BTreeSet<Name>,
}

/// An action or binder that is still open.
enum Open<A> {
    Mu { var: Name, place: Place },
    Act { act: A, place: Place, edges: Vec<Edge>, head: Edge },
}

impl<'s> Parser<'s> {
    pub(super) const fn new(source: &'s str) -> Self {
        Self { lexer: Lexer::new(source), ahead: None, end: 0, names: BTreeSet::new() }
    }

    pub(super) const fn at(source: &'s str, at: usize) -> Self {
        Self { lexer: Lexer::at(source, at), ahead: None, end: at, names: BTreeSet::new() }
    }

    /// The type that the source starts with, and where its text ends.
    pub(super) fn prefix<A: Action>(mut self) -> Result<(Tree<A>, usize), ProtocolError> {
        let tree = self.tree()?;
        Ok((tree, self.end))
    }

    /// The type that the source is.
    pub(super) fn whole<A: Action>(mut self) -> Result<Tree<A>, ProtocolError> {
        let tree = self.tree()?;
        let rest = self.read()?;
        if rest.tok == Tok::Eof { Ok(tree) } else { Err(self.unexpected(rest, "the end")) }
    }

    fn read(&mut self) -> Result<Token, ProtocolError> {
        let token = match self.ahead.take() {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        self.end = token.end;
        Ok(token)
    }

    pub(super) fn peek(&mut self) -> Result<Tok, ProtocolError> {
        let token = match self.ahead {
            Some(token) => token,
            None => self.lexer.next()?,
        };
        self.ahead = Some(token);
        Ok(token.tok)
    }

    /// Reads a token of punctuation if it comes next.
    fn eat(&mut self, byte: u8) -> Result<bool, ProtocolError> {
        let here = self.peek()? == Tok::Punct(byte);
        if here {
            self.read()?;
        }
        Ok(here)
    }

    pub(super) fn expect(&mut self, tok: Tok, what: &str) -> Result<Token, ProtocolError> {
        let token = self.read()?;
        if token.tok == tok { Ok(token) } else { Err(self.unexpected(token, what)) }
    }

    fn unexpected(&self, token: Token, what: &str) -> ProtocolError {
        let found: Cow<'_, str> = match token.tok {
            Tok::Eof => Cow::Borrowed("the text ends"),
            // Its characters may be hidden, or rearrange the message.
            Tok::Quoted => Cow::Borrowed("a text in quotes stands"),
            _ => Cow::Owned(format!("`{}` stands", self.lexer.slice(token))),
        };
        token.error(ProtocolErrorKind::Unexpected, format!("{found} where {what} is expected"))
    }

    /// The name that a token is; equal names share their text.
    pub(super) fn name_of(&mut self, token: Token, what: &str) -> Result<Name, ProtocolError> {
        if !matches!(token.tok, Tok::Word | Tok::Quoted) {
            let error = self.unexpected(token, what);
            return Err(error.hint("names are words, or texts in quotes"));
        }
        let text = self.lexer.name(token)?;
        if let Some(name) = self.names.get(&*text) {
            return Ok(name.clone());
        }
        let name = Name::new(&text);
        self.names.insert(name.clone());
        Ok(name)
    }

    pub(super) fn name(&mut self, what: &str) -> Result<Name, ProtocolError> {
        let token = self.read()?;
        self.name_of(token, what)
    }

    fn tree<A: Action>(&mut self) -> Result<Tree<A>, ProtocolError> {
        let mut tree = Tree::new();
        let mut open: Vec<Open<A>> = Vec::new();
        loop {
            let token = self.read()?;
            if tree.cells.len() + open.len() >= MAX_NODES {
                let message = format!("a type of more than {MAX_NODES} nodes");
                return Err(token.error(ProtocolErrorKind::TooLarge, message).hint("split the protocol"));
            }
            let place = token.place();
            let mut done = match (token.tok, self.lexer.slice(token)) {
                (Tok::Word, "end") => tree.push(Cell::End, Some(place)),
                (Tok::Word, "mu") => {
                    let var = self.name("the variable of the loop")?;
                    self.expect(Tok::Punct(b'.'), "a dot behind the variable")?;
                    open.push(Open::Mu { var, place });
                    continue;
                }
                _ => match A::read(self, token)? {
                    None if matches!(token.tok, Tok::Word | Tok::Quoted) => {
                        let var = self.name_of(token, "a variable")?;
                        tree.push(Cell::Var(var), Some(place))
                    }
                    None => return Err(self.unexpected(token, A::BEGINS)),
                    Some(act) => {
                        self.expect(Tok::Punct(b'{'), "the opening brace of branches")?;
                        if self.eat(b'}')? {
                            tree.push_act(act, Vec::new(), Some(place))
                        } else {
                            let head = self.head()?;
                            open.push(Open::Act { act, place, edges: Vec::new(), head });
                            continue;
                        }
                    }
                },
            };
            // A type is complete: it ends what is open above it, until more is to come.
            loop {
                match open.pop() {
                    None => return Ok(tree),
                    Some(Open::Mu { var, place }) => {
                        done = tree.push(Cell::Mu { var, body: done }, Some(place));
                    }
                    Some(Open::Act { act, place, mut edges, mut head }) => {
                        head.next = done;
                        edges.push(head);
                        if let Some(head) = self.next_head()? {
                            open.push(Open::Act { act, place, edges, head });
                            break;
                        }
                        done = tree.push_act(act, edges, Some(place));
                    }
                }
            }
        }
    }

    /// What comes behind a branch: another one, or the closing brace.
    fn next_head(&mut self) -> Result<Option<Edge>, ProtocolError> {
        if self.eat(b',')? {
            return if self.eat(b'}')? { Ok(None) } else { self.head().map(Some) };
        }
        self.expect(Tok::Punct(b'}'), "`,` or `}` behind a branch")?;
        Ok(None)
    }

    /// A label, its payload and the dot.
    fn head(&mut self) -> Result<Edge, ProtocolError> {
        let token = self.read()?;
        let label = self.name_of(token, "a label")?;
        let payload = if self.eat(b'(')? && !self.eat(b')')? {
            let payload = self.payload()?;
            self.expect(Tok::Punct(b')'), "`)` behind the payload")?;
            payload
        } else {
            Payload::UNIT
        };
        self.expect(Tok::Punct(b'.'), "a dot behind the label")?;
        Ok(Edge { label, payload, next: 0, place: Some(token.place()) })
    }

    fn payload(&mut self) -> Result<Payload, ProtocolError> {
        let mut open: Vec<(Token, Vec<Payload>)> = Vec::new();
        // Counts every part, so that neither depth nor breadth passes the limit before it is noticed.
        let mut parts = 0;
        loop {
            let token = self.expect(Tok::Word, "a payload type")?;
            parts += 1;
            if parts > MAX_PAYLOAD_PARTS {
                let message = format!("a payload of more than {MAX_PAYLOAD_PARTS} parts");
                return Err(token.error(ProtocolErrorKind::TooLarge, message).hint("send it in pieces"));
            }
            let mut done = if self.lexer.slice(token) == "tuple" {
                self.expect(Tok::Punct(b'('), "`(` behind tuple")?;
                if !self.eat(b')')? {
                    open.push((token, Vec::new()));
                    continue;
                }
                Payload::tuple([])
            } else {
                self.simple_payload(token)
            }?;
            loop {
                let Some((token, mut elements)) = open.pop() else { return Ok(done) };
                elements.push(done);
                if self.eat(b',')? {
                    open.push((token, elements));
                    break;
                }
                self.expect(Tok::Punct(b')'), "`,` or `)` behind an element")?;
                done = Payload::tuple(elements).map_err(|error| error.at(Some(token.place())))?;
            }
        }
    }

    /// A payload that is no tuple, whose first word was just read.
    fn simple_payload(&mut self, token: Token) -> Result<Payload, ProtocolError> {
        let word = self.lexer.slice(token);
        // The names of classes are those that value types print.
        if let Some(class) = CLASSES.into_iter().find(|class| same(*class, word)) {
            return Ok(class.into());
        }
        match word {
            "obj" => {
                self.expect(Tok::Punct(b'('), "`(` behind obj")?;
                let number = self.expect(Tok::Number, "the number of a host type")?;
                let id = self.lexer.slice(number).parse().map_err(|_| {
                    self.unexpected(number, "the number of a host type").hint("it is in 0..2^64, in digits")
                })?;
                self.expect(Tok::Punct(b')'), "`)` behind the number")?;
                Ok(ValueType::Obj(id).into())
            }
            "chan" => {
                self.expect(Tok::Punct(b'('), "`(` behind chan")?;
                let of = self.name("a shape or role")?;
                self.expect(Tok::Punct(b','), "`,` between shape and state")?;
                let state = self.name("the name of a local type")?;
                self.expect(Tok::Punct(b')'), "`)` behind the state")?;
                Ok(Payload::Chan { of, state })
            }
            _ => {
                let message = format!("`{word}` is no payload type");
                Err(token.error(ProtocolErrorKind::UnknownPayload, message).hint(
                    "bool, i64, u64, f64, decimal, bytes, str, agg, func, closure, coro, epid, obj(..), tuple(..), chan(..)",
                ))
            }
        }
    }
}

/// Whether a class prints as this word.
fn same(class: ValueType, word: &str) -> bool {
    struct Rest<'a>(&'a str);
    impl core::fmt::Write for Rest<'_> {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            self.0 = self.0.strip_prefix(text).ok_or(core::fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(word);
    core::fmt::write(&mut rest, format_args!("{class}")).is_ok() && rest.0.is_empty()
}
