// SPDX-License-Identifier: Apache-2.0
// Shortest path from vertex 1 to every other: Dijkstra with a PriorityQueue.
import java.io.IOException;
import java.io.StreamTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;

public class Main {
  private static int next(StreamTokenizer in) throws IOException {
    in.nextToken();
    return (int) in.nval;
  }

  public static void main(String[] arguments) throws IOException {
    StreamTokenizer in = new StreamTokenizer(new java.io.BufferedInputStream(System.in));
    int n = next(in);
    int m = next(in);
    List<List<int[]>> edges = new ArrayList<>();
    for (int i = 0; i <= n; ++i) edges.add(new ArrayList<>());
    for (int i = 0; i < m; ++i) edges.get(next(in)).add(new int[] {next(in), next(in)});
    long[] distance = new long[n + 1];
    Arrays.fill(distance, -1);
    PriorityQueue<long[]> open = new PriorityQueue<>((a, b) -> Long.compare(a[0], b[0]));
    open.add(new long[] {0, 1});
    while (!open.isEmpty()) {
      long[] entry = open.poll();
      int vertex = (int) entry[1];
      if (distance[vertex] >= 0) continue;
      distance[vertex] = entry[0];
      for (int[] edge : edges.get(vertex)) {
        if (distance[edge[0]] < 0) open.add(new long[] {entry[0] + edge[1], edge[0]});
      }
    }
    StringBuilder text = new StringBuilder();
    for (int vertex = 1; vertex <= n; ++vertex) text.append(distance[vertex]).append('\n');
    System.out.print(text);
  }
}
