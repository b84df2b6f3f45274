"""A filmed face becomes a motion: film -> landmarks -> person, controls, wrinkles, blood, and how sure each is."""
