package android.content;

import android.net.Uri;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.OutputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

public class ContentResolver {
    /** What was written, by address. */
    public final Map<String, ByteArrayOutputStream> written = new ConcurrentHashMap<>();

    public OutputStream openOutputStream(Uri uri, String mode) throws FileNotFoundException {
        if (!uri.getScheme().equals("content") || !mode.equals("wt")) throw new FileNotFoundException(uri + " " + mode);
        ByteArrayOutputStream stream = new ByteArrayOutputStream();
        written.put(uri.toString(), stream);
        return stream;
    }
}
