"""What mail providers tell at a door of their own."""
