echo "btf=$(loader prog show inspect_me | awk '$1 == "btf" { print $2 }')"
echo "value=$(loader inspect exercises/checker/inspected.bpf.o | grep -o 'value struct [a-z_]*' | cut -d' ' -f2-)"
echo "score=$(loader map get inspect_map 7 | grep -o 'score = [0-9]*' | cut -d' ' -f3)"
