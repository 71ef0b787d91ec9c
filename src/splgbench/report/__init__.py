"""What a store says: measures, rankings, figures, tables and the page that shows them."""
