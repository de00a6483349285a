// SPDX-License-Identifier: Apache-2.0
// Sum of 10^6 numbers, all input read at once.
use std::io::Read;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("input is text");
    let mut numbers = text.split_ascii_whitespace().map(|word| word.parse::<i64>().unwrap());
    let count = numbers.next().expect("a count") as usize;
    println!("{}", numbers.take(count).sum::<i64>());
}
