//! Terraform configurations, read by a parser that is not ours: blocks, arguments by path, and what refers to what.
//!
//! ```ignore
//! let file = Hcl::read(&ran.stdout);
//! assert_eq!(file.one("provider", "konnect").text("server_url"), Some("https://…"));
//! ```

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::structure::Body;
use hcl_edit::visit::{Visit, visit_expr, visit_traversal};

/// A whole file.
pub struct Hcl {
    pub blocks: Vec<Block>,
    body: Body,
}

/// A block at the top.
#[derive(Debug)]
pub struct Block {
    /// `resource`, `provider`, …
    pub kind: String,
    pub labels: Vec<String>,
    /// By path: `name`, `permissions.actions`, `peer.vpc_id`. Of several blocks or objects at one path, the last.
    arguments: BTreeMap<String, Expression>,
    /// The blocks in it, by name.
    pub nested: Vec<String>,
}

impl Hcl {
    #[track_caller]
    pub fn read(text: &str) -> Self {
        let body: Body = text.parse().unwrap_or_else(|error| panic!("no HCL: {error}\n{text}"));
        let blocks = body.blocks().map(Block::read).collect();
        Self { blocks, body }
    }

    /// The blocks of that kind whose first label is `label`.
    pub fn all<'a>(&'a self, kind: &'a str, label: &'a str) -> impl Iterator<Item = &'a Block> {
        let first = move |block: &&Block| block.kind == kind && block.labels.first().is_some_and(|one| one == label);
        self.blocks.iter().filter(first)
    }

    /// The only block of that kind whose first label is `label`.
    #[track_caller]
    pub fn one<'a>(&'a self, kind: &'a str, label: &'a str) -> &'a Block {
        let found: Vec<&Block> = self.all(kind, label).collect();
        assert_eq!(found.len(), 1, "{kind} {label}: {found:#?}");
        found[0]
    }

    /// The ids to import, by address.
    pub fn imports(&self) -> BTreeMap<String, String> {
        let imports = self.blocks.iter().filter(|block| block.kind == "import");
        imports
            .map(|block| {
                let id = block.text("id").unwrap_or_default().to_owned();
                (block.code("to").unwrap_or_default(), id)
            })
            .collect()
    }

    /// Everything that an expression refers to: `local.tenant_id`, `azuread_service_principal.vendor.object_id`.
    pub fn references(&self) -> Vec<Vec<String>> {
        let mut references = References::default();
        references.visit_body(&self.body);
        references.0
    }
}

impl Block {
    fn read(block: &hcl_edit::structure::Block) -> Self {
        let mut read = Self {
            kind: block.ident.to_string(),
            labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
            arguments: BTreeMap::new(),
            nested: Vec::new(),
        };
        read.body("", &block.body);
        read
    }

    fn body(&mut self, path: &str, body: &Body) {
        for argument in body.attributes() {
            self.argument(format!("{path}{}", argument.key.as_str()), &argument.value);
        }
        for block in body.blocks() {
            let name = format!("{path}{}", block.ident.as_str());
            self.body(&format!("{name}."), &block.body);
            self.nested.push(name);
        }
    }

    fn argument(&mut self, path: String, value: &Expression) {
        self.members(&path, value);
        self.arguments.insert(path, value.clone());
    }

    fn members(&mut self, path: &str, value: &Expression) {
        match value {
            Expression::Object(object) => {
                for (key, value) in object.iter() {
                    let key = match key {
                        ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                        ObjectKey::Expression(key) => key.as_str().unwrap_or_default().to_owned(),
                    };
                    self.argument(format!("{path}.{key}"), value.expr());
                }
            }
            Expression::Array(items) => items.iter().for_each(|item| self.members(path, item)),
            _ => {}
        }
    }

    /// The paths of all arguments.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.arguments.keys()
    }

    pub fn get(&self, path: &str) -> Option<&Expression> {
        self.arguments.get(path)
    }

    /// An argument that is one literal.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// An argument as it is written.
    pub fn code(&self, path: &str) -> Option<String> {
        Some(self.get(path)?.to_string().trim().to_owned())
    }

    /// The literals of a list.
    pub fn texts(&self, path: &str) -> Vec<&str> {
        let items = self.get(path).and_then(Expression::as_array);
        items.into_iter().flatten().filter_map(Expression::as_str).collect()
    }
}

#[derive(Default)]
struct References(Vec<Vec<String>>);

impl Visit for References {
    fn visit_traversal(&mut self, traversal: &Traversal) {
        if let Expression::Variable(root) = &traversal.expr {
            let attributes = traversal.operators.iter().map_while(|operator| match operator.value() {
                TraversalOperator::GetAttr(name) => Some(name.as_str().to_owned()),
                _ => None,
            });
            self.0
                .push(std::iter::once(root.as_str().to_owned()).chain(attributes).collect());
            return;
        }
        visit_traversal(self, traversal);
    }

    fn visit_expr(&mut self, expression: &Expression) {
        visit_expr(self, expression);
    }
}
