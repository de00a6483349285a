// SPDX-License-Identifier: Apache-2.0
// Sum of 10^6 numbers, read through a buffer of our own.
import java.io.DataInputStream;
import java.io.IOException;

public class Main {
  private static final DataInputStream IN = new DataInputStream(System.in);
  private static final byte[] BUFFER = new byte[1 << 16];
  private static int length = 0;
  private static int position = 0;

  private static int next() throws IOException {
    if (position == length) {
      length = IN.read(BUFFER, 0, BUFFER.length);
      position = 0;
      if (length <= 0) return -1;
    }
    return BUFFER[position++];
  }

  private static long number() throws IOException {
    int c = next();
    while (c == ' ' || c == '\n') c = next();
    boolean negative = c == '-';
    if (negative) c = next();
    long value = 0;
    for (; c >= '0' && c <= '9'; c = next()) value = value * 10 + (c - '0');
    return negative ? -value : value;
  }

  public static void main(String[] arguments) throws IOException {
    long count = number();
    long sum = 0;
    for (long i = 0; i < count; ++i) sum += number();
    System.out.println(sum);
  }
}
