id=$(loader list maps | grep " $YOURS check_exercise" | awk '$3 == "config" { print $1 }')
echo "id=$id"
loader map set "$id" 1000 '"mine"'
