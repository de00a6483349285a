// SPDX-License-Identifier: Apache-2.0
// Never ends, uses the processor.
public class Main {
  private static volatile long count = 0;

  public static void main(String[] arguments) {
    while (true) ++count;
  }
}
