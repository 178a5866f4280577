"""The page that the badge leads to, and what search engines are told about such pages."""
