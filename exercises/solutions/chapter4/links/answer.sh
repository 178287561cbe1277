loader list links | grep " $HOLDER check_exercise" | awk '{ print "link=" $1 " prog=" $3 }'
