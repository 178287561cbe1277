# Exercise: process $HOLDER has attached programs. Print for each of its links: link=NUMBER prog=NUMBER

loader list links
