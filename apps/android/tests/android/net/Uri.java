package android.net;

import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Uri {
    private final URI uri;

    public Uri(String text) {
        uri = URI.create(text);
    }

    public String getScheme() {
        return uri.getScheme();
    }

    public String getAuthority() {
        return uri.getRawAuthority();
    }

    public List<String> getPathSegments() {
        List<String> segments = new ArrayList<>();
        String path = uri.getRawPath();
        for (String part : path == null ? new String[0] : path.split("/")) {
            if (!part.isEmpty()) segments.add(URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8));
        }

        return segments;
    }

    @Override
    public String toString() {
        return uri.toString();
    }
}
