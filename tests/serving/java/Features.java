import java.util.Arrays;
import java.util.Map;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Asks the signature "features": arguments are the model, S, Q, D, then the numbers of both. */
class Features {
    public static void main(String[] args) {
        int support = Integer.parseInt(args[1]);
        int query = Integer.parseInt(args[2]);
        int size = Integer.parseInt(args[3]);
        float[] values = new float[args.length - 4];
        for (int n = 0; n < values.length; n++) {
            values[n] = Float.parseFloat(args[4 + n]);
        }
        int[][] labels = new int[1][support];
        Arrays.setAll(labels[0], n -> n);
        int end = support * size;
        try (var model = SavedModelBundle.load(args[0], "serve");
                var supportFeatures = features(Arrays.copyOf(values, end), size);
                var supportLabels = TInt32.tensorOf(StdArrays.ndCopyOf(labels));
                var queryFeatures =
                        features(Arrays.copyOfRange(values, end, end + query * size), size)) {
            Map<String, Tensor> inputs =
                    Map.of(
                            "support_features", supportFeatures,
                            "support_labels", supportLabels,
                            "query_features", queryFeatures);
            System.out.println(
                    Arrays.deepToString(FewShot.classify(model, "features", inputs)));
        }
    }

    private static TFloat32 features(float[] values, int size) {
        return TFloat32.tensorOf(
                Shape.of(1, values.length / size, size), DataBuffers.of(values));
    }
}
