loader map set "$CONFIG" 0 '"Good day"'
loader map dump "$CONFIG"
