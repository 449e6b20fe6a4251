//! What items have beside their vectors: names, tags and payloads.

use ecphory::Item;
use js_sys::{Array, Float32Array, Float64Array, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::{Engine, Result, errors, progress, views};

#[wasm_bindgen]
impl Engine {
    /// Puts an item with all that it has, by a name or else by a key; whether it was there before.
    ///
    /// # Errors
    /// Input that the core refuses.
    #[expect(clippy::needless_pass_by_value, reason = "texts cross by value")]
    pub fn put(
        &self,
        key: f64,
        name: Option<String>,
        vector: &Float32Array,
        tags: Vec<String>,
        payload: &Uint8Array,
    ) -> Result<bool> {
        let (vector, payload) = (views::floats(vector)?, views::bytes(payload)?);
        let item = match &name {
            Some(name) => Item::named(name, &vector),
            None => Item::new(views::key(key)?, &vector),
        };
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let item = item.tags(&tags).payload(&payload);
        self.index.upsert_item(&item).map_err(errors::of)
    }

    /// The key of the item with a name, if there is one.
    #[wasm_bindgen(js_name = keyOf)]
    pub fn key_of(&self, name: &str) -> Option<f64> {
        self.index.key(name).map(|key| key as f64)
    }

    /// What a key's item has: name, if any, vector, tags and payload.
    ///
    /// # Errors
    /// A number that is no key.
    pub fn item(&self, key: f64) -> Result<Option<Array>> {
        let (index, key) = (&self.index, views::key(key)?);
        let (Some(vector), Some(tags), Some(payload)) =
            (index.get(key), index.tags(key), index.payload(key))
        else {
            return Ok(None);
        };
        let tags: Array = tags.into_iter().map(JsValue::from).collect();
        let (vector, payload) = (Float32Array::from(&vector[..]), Uint8Array::from(&payload[..]));
        Ok(Some(Array::of4(&index.name(key).into(), &vector, &tags, &payload)))
    }

    /// Gives the items of these keys a tag, or takes it from them; how many of them there were, or
    /// had it. `progress` as for `upsert`.
    ///
    /// # Errors
    /// A number that is no key, before anything is changed; as for `upsert`.
    pub fn tag(
        &self,
        keys: &Float64Array,
        tag: &str,
        on: bool,
        progress: &js_sys::Function,
    ) -> Result<usize> {
        let keys = views::keys(keys)?;
        progress::each(progress, keys.len(), &mut |at| {
            let key = keys[at];
            if on { self.index.tag(key, tag) } else { self.index.untag(key, tag) }
        })
    }

    /// All tags that an item has, in order: of each its name, and then how many have it.
    #[wasm_bindgen(js_name = allTags)]
    pub fn all_tags(&self) -> Array {
        let all = Array::new();
        for (name, count) in self.index.all_tags() {
            all.push(&name.into());
            all.push(&(count as f64).into());
        }
        all
    }

    /// The keys of the items that a filter admits, in ascending order.
    ///
    /// # Errors
    /// A text that is no filter; no memory for the keys.
    #[wasm_bindgen(js_name = keysWhere)]
    pub fn keys_where(&self, filter: &str) -> Result<Float64Array> {
        views::has_room(self.index.len(), crate::BYTES_PER_LISTED_KEY)?;
        let filter = filter.parse().map_err(errors::of)?;
        let mut keys = self.index.keys_where(&filter).map_err(errors::of)?;
        keys.sort_unstable();
        views::numbers(keys)
    }
}
