package android.os;

public class Handler {
    final Looper looper;
    final Callback callback;

    public Handler(Looper looper, Callback callback) {
        this.looper = looper;
        this.callback = callback;
    }

    public interface Callback {
        boolean handleMessage(Message message);
    }

    public Message obtainMessage(int what, Object obj) {
        Message message = new Message();
        message.handler = this;
        message.what = what;
        message.obj = obj;
        return message;
    }

    public Message obtainMessage(int what, int arg1, int arg2) {
        Message message = obtainMessage(what, null);
        message.arg1 = arg1;
        return message;
    }

    public boolean sendEmptyMessage(int what) {
        return sendEmptyMessageDelayed(what, 0);
    }

    public boolean sendEmptyMessageDelayed(int what, long milliseconds) {
        Message message = obtainMessage(what, null);
        message.due += milliseconds * 1_000_000;
        message.sendToTarget();
        return true;
    }

    public void removeMessages(int what) {
        looper.queue.removeIf(message -> message.handler == this && message.what == what);
    }

    public void removeCallbacksAndMessages(Object token) {
        looper.queue.removeIf(message -> message.handler == this);
    }
}
