//! Keeps the keys of a section in the order in which its struct declares them, for the sample and the reference page.
//! JSON objects are sorted by name here, and rightly so elsewhere, so the schema carries the order beside the keys.

use schemars::Schema;
use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The schema keyword that lists the keys of an object in order.
pub const ORDER: &str = "propertyOrder";

/// Adds the order of `T`'s fields to its schema.
pub fn as_declared<T: for<'de> Deserialize<'de>>(schema: &mut Schema) {
    let mut fields: &[&str] = &[];
    // Serde names the fields, in order, to whatever deserialises a struct; having heard them it fails, always.
    T::deserialize(FieldNames(&mut fields)).err();
    schema.insert(ORDER.to_owned(), fields.into());
}

struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only structs have fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("the names were all that was wanted"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
