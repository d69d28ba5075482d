package android.content;

import android.net.Uri;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

public class Intent {
    public final String action;
    public final Map<String, Object> extras = new HashMap<>();
    public final Set<String> categories = new HashSet<>();
    public Uri data;
    public ClipData clip;
    public String type;

    public Intent(String action) {
        this(action, null);
    }

    public Intent(String action, Uri data) {
        this.action = action;
        this.data = data;
    }

    public Intent addCategory(String category) {
        categories.add(category);
        return this;
    }

    public Intent setType(String type) {
        this.type = type;
        return this;
    }

    public Intent putExtra(String name, String value) {
        extras.put(name, value);
        return this;
    }

    public Intent putExtra(String name, boolean value) {
        extras.put(name, value);
        return this;
    }

    public int getIntExtra(String name, int otherwise) {
        return extras.get(name) instanceof Integer value ? value : otherwise;
    }

    public Uri getData() {
        return data;
    }

    public ClipData getClipData() {
        return clip;
    }
}
