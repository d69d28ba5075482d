package android.widget;

import android.content.Context;
import java.util.ArrayList;
import java.util.List;

public class Toast {
    /** The resources of the texts that were shown. */
    public static final List<Integer> SHOWN = new ArrayList<>();

    private final int resource;

    private Toast(int resource) {
        this.resource = resource;
    }

    public static Toast makeText(Context context, int resource, int duration) {
        return new Toast(resource);
    }

    public void show() {
        SHOWN.add(resource);
    }
}
