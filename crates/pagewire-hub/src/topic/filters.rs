//! Filters that subscribers ask for. Those who ask for the same share one.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use pagewire_filter::{Filter, FilterError};

use crate::FastMap;

#[derive(Debug, Default)]
pub(super) struct Filters(Mutex<FastMap<Box<str>, Weak<Filter>>>);

/// Why there is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterRefused {
    /// The expression is not understood.
    #[error("the filter is not understood {}", error.sentence(expression))]
    Expression {
        /// What was asked for.
        expression: Box<str>,
        /// What is wrong, and where.
        error: FilterError,
    },
    /// There are as many different filters as there may be.
    #[error("the hub has as many different filters as it may ({0})")]
    TooManyFilters(usize),
}

impl Filters {
    pub(super) fn get(&self, expression: &str, max: usize) -> Result<Arc<Filter>, FilterRefused> {
        let mut filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(filter) = filters.get(expression).and_then(Weak::upgrade) {
            return Ok(filter);
        }
        // Those that nobody has any more are forgotten when their place is wanted.
        if filters.len() >= max {
            filters.retain(|_, filter| filter.strong_count() > 0);
        }
        if filters.len() >= max {
            return Err(FilterRefused::TooManyFilters(max));
        }
        let filter = Filter::parse(expression).map_err(|error| FilterRefused::Expression {
            expression: expression.into(),
            error,
        })?;
        let filter = Arc::new(filter);
        filters.insert(expression.into(), Arc::downgrade(&filter));
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_expression_is_one_filter_while_somebody_has_it() {
        let filters = Filters::default();
        let first = filters.get("a == 1", 2).unwrap();
        assert!(Arc::ptr_eq(&first, &filters.get("a == 1", 2).unwrap()));
        let second = filters.get("a == 2", 2).unwrap();
        let over = filters.get("a == 3", 2).err();
        assert_eq!(over, Some(FilterRefused::TooManyFilters(2)));
        assert!(Arc::ptr_eq(&first, &filters.get("a == 1", 2).unwrap()));
        drop(second);
        assert_eq!(filters.get("a == 3", 2).unwrap().text(), "a == 3");
    }
}
