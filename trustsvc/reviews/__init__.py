"""What buyers say: submitted, decided on, published, withdrawn."""
