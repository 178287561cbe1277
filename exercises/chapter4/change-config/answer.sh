# Exercise: a program runs that looks up the message for the user in the map number $CONFIG. Let root get "Good day" from now on.

loader map dump "$CONFIG"
