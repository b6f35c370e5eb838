"""LSTMRegressor: as LSTMClassifier (same keyword options but class_weight), y is [N] or [N, D]; history metric "MAE";
report: MAE, RMSE, R2 beside ridge on mean and deviation, and the mean."""

from sklearn.base import BaseEstimator, RegressorMixin


class LSTMRegressor(RegressorMixin, BaseEstimator):
    pass
