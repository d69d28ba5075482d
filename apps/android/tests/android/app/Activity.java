package android.app;

import android.content.ActivityNotFoundException;
import android.content.Context;
import android.content.Intent;
import android.os.Bundle;
import android.view.View;
import android.widget.TextView;
import java.util.ArrayList;
import java.util.List;

public class Activity extends Context {
    /** What the activity did. */
    public Object content;
    public boolean isFinished;
    public boolean canStart = true;
    public int backs;
    public final List<Intent> started = new ArrayList<>();
    public final List<Integer> codes = new ArrayList<>();
    public final List<String> permissions = new ArrayList<>();
    private final TextView text = new TextView();

    protected void onCreate(Bundle state) {}

    protected void onDestroy() {}

    protected void onActivityResult(int request, int result, Intent data) {}

    public void onRequestPermissionsResult(int request, String[] names, int[] results) {}

    public void onBackPressed() {
        backs++;
    }

    public void finish() {
        isFinished = true;
    }

    public void setContentView(int layout) {
        content = layout;
    }

    public void setContentView(View view) {
        content = view;
    }

    public View findViewById(int id) {
        return text;
    }

    public void startActivity(Intent intent) {
        startActivityForResult(intent, -1);
    }

    public void startActivityForResult(Intent intent, int code) {
        if (!canStart) throw new ActivityNotFoundException();
        started.add(intent);
        codes.add(code);
    }

    public void requestPermissions(String[] names, int code) {
        for (String name : names) permissions.add(name);
    }
}
