// SPDX-License-Identifier: Apache-2.0
// Sum of 10^6 numbers, scanned word by word.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
)

func main() {
	words := bufio.NewScanner(os.Stdin)
	words.Buffer(make([]byte, 1<<16), 1<<16)
	words.Split(bufio.ScanWords)
	words.Scan()
	count, _ := strconv.Atoi(words.Text())
	sum := int64(0)
	for i := 0; i < count && words.Scan(); i++ {
		value, _ := strconv.ParseInt(words.Text(), 10, 64)
		sum += value
	}
	fmt.Println(sum)
}
