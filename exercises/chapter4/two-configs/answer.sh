# Exercise: several maps are named config. Yours is the one that process $YOURS holds. Print id=NUMBER, and give it the message
# "mine" for user 1000.

loader list maps
loader map set config 1000 '"mine"'
