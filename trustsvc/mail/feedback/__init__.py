"""What comes back about a message: delivery reports, bounces and complaints."""
