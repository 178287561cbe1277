loader list progs
read -r id type name tag xlated jited memlock runs time map rest <<< "$(loader list progs | grep inspect_me)"
echo "id=$id"
echo "tag=$tag"
echo "xlated=$xlated"
echo "jited=$jited"
echo "map=$map"
