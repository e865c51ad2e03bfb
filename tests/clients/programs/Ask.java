import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Scanner;

/**
 * Java's own HttpClient as it is by default: its first request to a server offers HTTP/2.
 *
 * <p>Each line of stdin is a URL, a space and a JSON body. Each line of stdout is the reply's status,
 * a space and its body in Base64.
 */
class Ask {
  public static void main(String[] arguments) throws Exception {
    HttpClient client = HttpClient.newHttpClient();
    Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
    while (lines.hasNextLine()) {
      String[] parts = lines.nextLine().split(" ", 2);
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(parts[0]))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(parts[1]))
              .build();
      HttpResponse<byte[]> reply = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
      String body = Base64.getEncoder().encodeToString(reply.body());
      System.out.println(reply.statusCode() + " " + body);
    }
  }
}
