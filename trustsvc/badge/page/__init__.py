"""The page that the badge leads to, and what search engines learn about such pages."""
